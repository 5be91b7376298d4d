/* SPDX-License-Identifier: BSD-2-Clause */
/* init.c - how much memory the core takes, where in it things stand, and the root environment. */
#include "kernel.h"

static size_t align(size_t n, size_t to)
{
	return (n + to - 1) & ~(to - 1);
}

/* Fills in the tables' offsets and returns where they end. */
static size_t lay_out(struct xok_info *i, uint32_t nframe, uint32_t nport)
{
	size_t at = align(sizeof(*i), 64);

	*i = (struct xok_info){
		.magic = XOK_INFO_MAGIC,
		.version = XOK_ABI_VERSION,
		.nenv = XOK_NENV,
		.nframe = nframe,
		.nport = nport,
		.nslice = XOK_NSLICE,
		.nprog = XOK_NPROG,
		.ntable = XOK_NTABLE,
	};
	i->env_off = (uint32_t)at;
	at = align(at + XOK_NENV * sizeof(struct xok_env_info), 64);
	i->port_off = (uint32_t)at;
	at = align(at + nport * sizeof(struct xok_port_info), 64);
	i->prog_off = (uint32_t)at;
	at = align(at + XOK_NPROG * sizeof(struct xok_prog_info), 64);
	i->table_off = (uint32_t)at;
	at = align(at + XOK_NTABLE * sizeof(struct xok_table_info), 64);
	i->slice_off = (uint32_t)at;
	at = align(at + XOK_NSLICE * sizeof(uint32_t), 64);
	i->frame_off = (uint32_t)at;
	return at + nframe * sizeof(struct xok_frame_info);
}

size_t xok_info_size(uint32_t nframe, uint32_t nport)
{
	struct xok_info i;

	return align(lay_out(&i, nframe, nport), XOK_PAGE);
}

/* How many demultiplexers a port has (filter.c). */
static uint32_t copies(uint32_t ncpu)
{
	return ncpu ? 2 : 1;
}

size_t xok_core_size(uint32_t nport, uint32_t ncpu)
{
	size_t bytes = align(sizeof(struct xok), XOK_LINE) + cpu_size(nport, ncpu);

	bytes += align(vc_scratch_size(VC_INSNS_MAX), XOK_LINE);
	bytes += align(nport * sizeof(struct demux), XOK_LINE);
	return align(bytes + (size_t)nport * copies(ncpu) * XOK_DPF_ARENA, XOK_PAGE);
}

/*
 * Shares out the code memory: the demultiplexers get theirs where that leaves as much for programs.
 */
static void share_code(struct xok *x, const struct xok_boot *b)
{
	uint32_t bytes = (uint32_t)(b->code_bytes < UINT32_MAX / 2 ? b->code_bytes
								   : UINT32_MAX / 2);
	uint32_t n = x->nport * copies(x->ncpu), at = 0;

	x->features = vc_cpu();
	for (uint32_t p = 0; p < x->nport && XOK_DPF_CODE <= bytes / 2 / n; p++) {
		struct demux *d = &x->demux[p];

		dpf_code(d->dpf, b->code_w + at, b->code_x + at, XOK_DPF_CODE);
		at += XOK_DPF_CODE;
		if (d->spare == d->dpf)
			continue;
		dpf_code(d->spare, b->code_w + at, b->code_x + at, XOK_DPF_CODE);
		at += XOK_DPF_CODE;
	}
	x->code_bytes = bytes - at;
	x->code_w = x->code_bytes ? b->code_w + at : NULL;
	x->code_x = x->code_bytes ? b->code_x + at : NULL;
}

/* The demultiplexers; both of a port have the same seed, so that what one can take so can the other. */
static void demux_init(struct xok *x, uint8_t *at)
{
	for (uint32_t p = 0; p < x->nport; p++) {
		struct demux *d = &x->demux[p];
		uint64_t seed;

		x->ops->random(x->m, &seed, sizeof(seed));
		for (uint32_t n = copies(x->ncpu); n; n--, at += XOK_DPF_ARENA) {
			d->spare = d->dpf;
			d->dpf = dpf_init(at, XOK_DPF_ARENA);
			dpf_seed(d->dpf, seed);
		}
		if (!d->spare)
			d->spare = d->dpf;
	}
}

struct xok *xok_init(const struct xok_boot *b)
{
	struct xok *x = b->core;
	char *info = (char *)b->info;
	char *at = (char *)b->core + align(sizeof(*x), XOK_LINE);

	x->ops = b->ops;
	x->spaces = b->ops->map_get != NULL;
	x->lpm = b->ops->lpm ? b->ops->lpm : &tbl_lpm;
	x->m = b->m;
	x->nframe = b->nframe;
	x->nport = b->nport;
	x->ncpu = b->ncpu;

	x->info = b->info;
	lay_out(x->info, b->nframe, b->nport);
	x->info->tsc0 = b->tsc0;
	x->info->tsc_mult = b->tsc_mult;
	x->info->wall0 = b->wall0;
	x->info->boot_len = b->boot_len;
	x->env_info = (void *)(info + x->info->env_off);
	x->port = (void *)(info + x->info->port_off);
	x->prog_info = (void *)(info + x->info->prog_off);
	x->table_info = (void *)(info + x->info->table_off);
	x->slice = (void *)(info + x->info->slice_off);
	x->frame = (void *)(info + x->info->frame_off);

	for (uint32_t i = 0; i < XOK_NENV; i++)
		x->env[i].info = &x->env_info[i];
	for (uint32_t i = 0; i < XOK_NPROG; i++)
		x->prog[i].info = &x->prog_info[i];
	for (uint32_t f = 0; f < b->nframe; f++)
		x->frame[f].type = XOK_FRAME_KERNEL;
	cpu_init(x, at);
	at += cpu_size(b->nport, b->ncpu);
	x->scratch = at;
	at += align(vc_scratch_size(VC_INSNS_MAX), XOK_LINE);
	x->demux = (void *)at;
	demux_init(x, (uint8_t *)at + align(b->nport * sizeof(struct demux), XOK_LINE));
	share_code(x, b);
	x->since = b->ops->now(b->m);
	return x;
}

struct xok_env *xok_root_env(struct xok *x, const char *name)
{
	static const struct xok_cap all = {.valid = 1, .perms = XOK_PERM_ALL};
	uint32_t len = 0;

	while (name[len])
		len++;
	struct xok_env *e = env_new(x, NULL, x->info->frames_free, &all, name, len);
	e->info->cap[0] = all;
	e->info->ncap_used = 1;
	for (uint32_t p = 0; p < x->nport; p++) {
		acl_first(x->port[p].acl, XOK_NACL, &all);
		x->port[p].nacl = 1;
	}
	for (uint32_t c = 0; c < XOK_NCONS; c++)
		acl_first(x->cons[c].acl, XOK_NACL, &all);
	acl_first(x->power_acl, XOK_NACL, &all);
	acl_first(x->cpu_acl, XOK_NACL, &all);
	slice_set(x, 0, e->info->id);
	return e;
}

void *xok_root_page(struct xok *x, struct xok_env *root, uint64_t va, uint32_t prot)
{
	if (frame_room(x, root, 1))
		return NULL;
	uint32_t frame = frame_take(x, root, XOK_FRAME_USER);
	acl_first(x->frame[frame].acl, XOK_NACL_FRAME, &root->info->cap[0]);
	if (map_page(x, root, va, frame, prot)) {
		frame_put(x, frame);
		return NULL;
	}
	return frame_ptr(x, frame);
}

void xok_root_run(struct xok *x, struct xok_env *root, uint64_t rip, uint64_t rsp)
{
	(void)x;
	env_start(root, rip, rsp);
}
