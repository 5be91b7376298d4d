/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog.c - downloaded programs: loading, which checks everything that a run relies on, and giving
 * back.
 *
 * An entry whose id is 0 is free, whatever else stands in it: prog_load fills one in as it decodes,
 * and the id, set last, makes it a program.
 */
#include "kernel.h"

#define ALIGN16(n) (((n) + 15) & ~(size_t)15)
#define ALIGN_LINE(n) (((n) + XOK_LINE - 1) & ~(size_t)(XOK_LINE - 1))

static struct objects objects(const struct xok *x)
{
	return (struct objects){x->prog_info, sizeof(*x->prog_info), XOK_NPROG, XOK_ENV_PROGS,
				XOK_SUBTREE_PROGS};
}

/* The index of a program of e; those of others do not exist for it. */
int prog_find(const struct xok *x, const struct xok_env *e, uint32_t id, uint32_t *index)
{
	struct objects o = objects(x);
	int rc = object_find(&o, id, x->prog[id % XOK_NPROG].gen, index);

	return !rc && x->prog[*index].env != e ? XOK_ENOENT : rc;
}

/* A filter's handler, as struct filter names it. */
void prog_ref(struct xok *x, uint16_t prog)
{
	if (prog)
		x->prog[prog - 1u].info->refs++;
}

void prog_unref(struct xok *x, uint16_t prog)
{
	if (prog)
		x->prog[prog - 1u].info->refs--;
}

/* ---- decoding ---- */

static int check_spec(const struct xok_prog_spec *s)
{
	if (s->kind != VC_KIND_HANDLER)
		return XOK_EINVAL;
	if (!s->ninsn || s->ninsn > VC_INSNS_MAX)
		return XOK_EINVAL;
	if (s->rodata_len > XOK_PROG_RODATA || s->data_len > XOK_PROG_DATA)
		return XOK_EINVAL;
	if (s->min_len > XOK_FRAME_MAX || s->budget > XOK_BUDGET_MAX)
		return XOK_EINVAL;
	return s->ntable > XOK_PROG_TABLES || s->ncallee > XOK_PROG_CALLEES ? XOK_EINVAL : XOK_OK;
}

static int check_ports(const struct xok *x, const struct xok_cap *k, uint32_t ports)
{
	for (uint32_t i = 0; i < 32; i++) {
		if (!(ports & 1u << i))
			continue;
		if (i >= x->nport)
			return XOK_ENOENT;
		if (!cap_grants(k, x->port[i].acl, XOK_NACL, XOK_W))
			return XOK_EPERM;
	}
	return XOK_OK;
}

/* What the program sees of a table is fixed here: where its memory is, and whether it may write. */
static int decode_table(struct xok *x, struct prog *p, const struct xok_cap *k, uint32_t id)
{
	uint32_t index, n = p->ntable;
	int rc = table_find(x, id, &index);

	if (rc)
		return rc;
	const struct table *t = &x->table[index];
	uint32_t first = x->table_info[index].first;
	bool writable = frame_grants(x, k, first, XOK_W);
	if (!frame_grants(x, k, first, XOK_R) || (t->bytes && !writable))
		return XOK_EPERM;
	p->table[n] = (uint8_t)index;
	p->writable |= (uint8_t)(writable << n);
	p->vc.table_bytes[n] = t->bytes;
	p->ntable++;
	return XOK_OK;
}

static int decode_ahead(const struct xok *x, struct prog *p, const struct xok_prog_spec *s)
{
	for (uint32_t i = 0; i < XOK_PROG_LOOKAHEAD; i++) {
		const struct xok_lookahead *l = &s->lookahead[i];

		if (!l->table)
			continue;
		if (l->table > p->ntable || l->offset >= XOK_FRAME_MAX ||
		    !x->table[p->table[l->table - 1]].lpm)
			return XOK_EINVAL;
		p->ahead[i] = *l;
		p->looks = true;
	}
	return XOK_OK;
}

static int decode_callee(struct xok *x, struct prog *p, uint32_t id)
{
	uint32_t index;
	int rc = prog_find(x, p->env, id, &index);

	if (rc)
		return rc;
	struct prog *q = &x->prog[index];
	if (q->height == XOK_CALL_DEPTH)
		return XOK_EINVAL;
	if (p->height <= q->height)
		p->height = q->height + 1;
	p->callee[p->ncallee++] = q;
	return XOK_OK;
}

/* Fills in the entry as far as the specification goes. */
static int decode(struct xok *x, struct xok_env *e, struct prog *p, const struct xok_cap *k,
		  const struct xok_prog_spec *s)
{
	*p = (struct prog){.x = x, .info = p->info, .gen = p->gen, .env = e, .height = 1};
	if (!k->valid)
		return XOK_EPERM;
	int rc = check_spec(s);
	if (!rc)
		rc = check_ports(x, k, s->ports);
	for (uint32_t i = 0; i < s->ntable && !rc; i++)
		rc = decode_table(x, p, k, s->table[i]);
	for (uint32_t i = 0; i < s->ncallee && !rc; i++)
		rc = decode_callee(x, p, s->callee[i]);
	if (!rc)
		rc = decode_ahead(x, p, s);
	if (rc)
		return rc;
	if (s->report && !user_writable(x, e, s->report, sizeof(struct xok_prog_report)))
		return XOK_EFAULT;
	p->vc.kind = &vc_kinds[VC_KIND_HANDLER];
	p->vc.ninsn = s->ninsn;
	p->vc.rodata_len = s->rodata_len;
	p->vc.data_len = s->data_len;
	p->vc.entry[0] = s->entry;
	p->vc.nentry = 1;
	p->vc.ntable = s->ntable;
	p->vc.min_window = s->min_len;
	p->min_len = s->min_len > p->vc.kind->min_window ? s->min_len : p->vc.kind->min_window;
	p->budget = s->budget ? s->budget : p->vc.kind->budget;
	p->toll = s->ninsn + s->data_len / 8;
	p->ports = s->ports;
	return XOK_OK;
}

/* ---- from user memory to code ---- */

static void put_frames(struct xok *x, struct prog *p)
{
	for (uint32_t i = 0; i < p->nframe; i++)
		frame_put(x, p->first + i);
	p->nframe = 0;
}

/* Instructions and data come into frames of the kernel's, so that nobody changes them any more. */
static int bring_in(struct xok *x, struct prog *p, const struct xok_prog_spec *s)
{
	size_t rodata = ALIGN16(s->ninsn * sizeof(struct vc_insn));
	size_t data = ALIGN_LINE(rodata + s->rodata_len), step = ALIGN_LINE(s->data_len);
	size_t end = data + (x->ncpu ? (x->ncpu + 1) * step : s->data_len);
	uint32_t n = (uint32_t)((end + XOK_PAGE - 1) / XOK_PAGE);
	int rc = frame_room(x, p->env, n);

	if (rc)
		return rc;
	p->first = frame_find_run(x, n);
	if (!p->first)
		return XOK_ENOMEM;
	frame_take_run(x, p->env, XOK_FRAME_KERNEL, p->first, n);
	p->nframe = n;
	uint8_t *mem = frame_ptr(x, p->first);
	rc = x->ops->copyin(x->m, p->env->root, mem, s->insn, s->ninsn * sizeof(struct vc_insn));
	if (!rc && s->rodata_len)
		rc = x->ops->copyin(x->m, p->env->root, mem + rodata, s->rodata, s->rodata_len);
	p->vc.insn = (const void *)mem;
	p->vc.rodata = mem + rodata;
	p->data = mem + data;
	p->data_step = step;
	return rc;
}

static int verify(struct xok *x, struct prog *p, const struct xok_prog_spec *s)
{
	struct xok_prog_report r;
	struct vc_report rep;
	int why = vc_verify(&p->vc, x->scratch, vc_scratch_size(VC_INSNS_MAX), &rep);

	memset(&r, 0, sizeof(r));
	if (why) {
		r.reason = (uint32_t)why;
		r.insn = rep.insn;
		memcpy(r.state, rep.state, sizeof(r.state));
		memcpy(r.text, rep.text, sizeof(r.text));
	}
	if (s->report && x->ops->copyout(x->m, p->env->root, s->report, &r, sizeof(r)))
		return XOK_EFAULT;
	return why ? XOK_EINVAL : XOK_OK;
}

/*
 * The processor may have fetched what stood in the code memory before; a serialising instruction
 * makes it forget (Intel SDM volume 3, 8.1.3). Others do so in quiesce.
 */
static void forget_old_code(void)
{
#ifdef __x86_64__
	uint32_t a = 0, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
#endif
}

/* Without room in the code memory the program is interpreted, which is slower and nothing else. */
static int compile(struct xok *x, struct prog *p)
{
	struct vc_code dry;

	if (!x->code_bytes || vc_compile(&p->vc, x->scratch, x->features, NULL, 0, &dry))
		return XOK_OK;
	int64_t at = code_find(x, p->env, dry.size);
	if (at < 0)
		return XOK_OK;
	uint32_t n = (dry.size + XOK_PAGE - 1) / XOK_PAGE;
	const struct xok_env_info *info = p->env->info;
	if (n > info->frames_quota - info->frames)
		return XOK_EQUOTA;
	if (vc_compile(&p->vc, x->scratch, x->features, x->code_w + at, dry.size, &p->code))
		return XOK_OK;
	forget_old_code();
	quiesce(x);
	p->base = x->code_x + at;
	p->code_at = (uint32_t)at;
	p->code_frames = n;
	return XOK_OK;
}

/* ---- prog_load and its end ---- */

/* Makes the decoded entry a program. */
static int64_t commit(struct xok *x, struct prog *p, const struct xok_prog_spec *s)
{
	uint32_t index = (uint32_t)(p - x->prog);

	p->env->info->frames += p->code_frames;
	for (uint32_t i = 0; i < p->ntable; i++)
		table_ref(x, p->table[i]);
	for (uint32_t i = 0; i < p->ncallee; i++) {
		p->callee[i]->callers++;
		p->callee[i]->info->refs++;
	}
	*p->info = (struct xok_prog_info){
		.id = object_generation(&p->gen, XOK_NPROG) * XOK_NPROG + index,
		.owner = p->env->info->id,
		.kind = s->kind,
		.ninsn = s->ninsn,
		.code_bytes = p->base ? p->code.size : 0,
		.frames = p->nframe + p->code_frames,
		.ports = s->ports,
		.rate = s->rate,
	};
	name_copy(p->info->name, sizeof(p->info->name), s->name, sizeof(s->name));
	cpu_start(x, p, s);
	return p->info->id;
}

/*
 * Interrupts are off meanwhile: the time is the verifier's, which is bounded by the number of
 * instructions.
 */
int64_t sys_prog_load(struct xok *x, struct xok_env *e, const struct arg *a)
{
	const struct xok_prog_spec *s = a[1].in;
	struct objects o = objects(x);
	int64_t index = object_room(x, e, &o);

	if (index < 0)
		return index;
	struct prog *p = &x->prog[index];
	int rc = decode(x, e, p, a[0].cap, s);
	if (!rc)
		rc = bring_in(x, p, s);
	if (!rc)
		rc = verify(x, p, s);
	if (!rc)
		rc = compile(x, p);
	if (rc) {
		put_frames(x, p);
		return rc;
	}
	return commit(x, p, s);
}

/*
 * Gives a program back that no filter and no other program is bound to, and that no processor has
 * been in since.
 */
static void prog_end(struct xok *x, struct prog *p)
{
	*p->info = (struct xok_prog_info){.id = 0};
	for (uint32_t i = 0; i < p->ncallee; i++) {
		p->callee[i]->callers--;
		p->callee[i]->info->refs--;
	}
	for (uint32_t i = 0; i < p->ntable; i++)
		table_unref(x, p->table[i]);
	put_frames(x, p);
	p->env->info->frames -= p->code_frames;
}

static void unbind(struct xok *x, const struct prog *p)
{
	const struct filter *f = &x->filter[env_index(x, p->env) * XOK_ENV_FILTERS];

	for (uint32_t i = 0; i < XOK_ENV_FILTERS; i++) {
		if (f[i].prog == (uint16_t)(p - x->prog + 1))
			filter_handler(x, env_index(x, p->env) * XOK_ENV_FILTERS + i, 0);
	}
}

/* An environment ends: its programs go, callers before whom they call. */
void progs_drop(struct xok *x, struct xok_env *e)
{
	bool any = false;

	for (uint32_t i = 0; i < XOK_NPROG; i++) {
		if (!x->prog_info[i].id || x->prog[i].env != e)
			continue;
		unbind(x, &x->prog[i]);
		any = true;
	}
	if (any)
		quiesce(x);
	for (uint32_t height = XOK_CALL_DEPTH; height; height--) {
		for (uint32_t i = 0; i < XOK_NPROG; i++) {
			struct prog *p = &x->prog[i];

			if (!p->info->id || p->env != e || p->height != height)
				continue;
			prog_end(x, p);
		}
	}
}

int64_t sys_prog_unload(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t index;
	int rc = prog_find(x, e, (uint32_t)a[0].raw, &index);

	if (rc)
		return rc;
	if (x->prog[index].callers)
		return XOK_EBUSY;

	unbind(x, &x->prog[index]);
	quiesce(x);
	prog_end(x, &x->prog[index]);
	return XOK_OK;
}
