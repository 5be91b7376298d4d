/* SPDX-License-Identifier: BSD-2-Clause */
/* fake.c - the machine in memory, and helpers for tests. */
#include "fake.h"

#include <sys/mman.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A condition that the tests themselves need; no assertion library, since the fuzzer has none. */
static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fake machine: %s\n", what);
	abort();
}

static uint64_t fake_now(void *m)
{
	struct fake *f = m;

	f->now += f->now_step;
	return f->now;
}

static void fake_random(void *m, void *buf, size_t len)
{
	(void)m;
	memset(buf, 0x5a, len);
}

static void *fake_frame_ptr(void *m, uint32_t frame)
{
	struct fake *f = m;

	need(frame && frame < f->nframe, "frame_ptr beyond the frames");
	return f->page[frame];
}

static void fake_space_init(void *m, uint32_t root)
{
	(void)m, (void)root;
}

static struct fake_table *find_table(struct fake *f, uint32_t root, uint64_t va)
{
	struct fake_table *t = f->tables;

	while (t && (t->root != root || t->base != va >> 21))
		t = t->next;
	return t;
}

static int64_t fake_map_get(void *m, uint32_t root, uint64_t va, uint32_t *prot)
{
	struct fake_table *t = find_table(m, root, va);
	uint32_t i = (va >> 12) & 511;

	if (!t || !t->pte[i].prot)
		return -1;
	*prot = t->pte[i].prot;
	return t->pte[i].frame;
}

static int fake_map_set(void *m, uint32_t root, uint64_t va, uint32_t frame, uint32_t prot,
			int64_t (*pt_alloc)(void *arg), void *arg)
{
	struct fake *f = m;
	struct fake_table *t = find_table(f, root, va);
	uint32_t i = (va >> 12) & 511;

	need(va % XOK_PAGE == 0 && va >= XOK_USER_LO && va < XOK_USER_HI, "map_set out of range");
	need((prot & (XOK_PROT_W | XOK_PROT_X)) != (XOK_PROT_W | XOK_PROT_X), "W and X");
	if (!t) {
		int64_t table = pt_alloc(arg);

		if (table < 0)
			return (int)table;
		t = calloc(1, sizeof(*t));
		need(t, "out of memory");
		t->next = f->tables;
		t->root = root;
		t->base = va >> 21;
		t->frame = (uint32_t)table;
		f->tables = t;
	}
	t->pte[i].frame = frame;
	t->pte[i].prot = prot;
	return XOK_OK;
}

static void fake_space_free(void *m, uint32_t root, void (*unmap)(void *arg, uint32_t frame),
			    void (*pt_free)(void *arg, uint32_t frame), void *arg)
{
	struct fake *f = m;
	struct fake_table **at = &f->tables;

	while (*at) {
		struct fake_table *t = *at;

		if (t->root != root) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		for (uint32_t i = 0; i < 512; i++)
			if (t->pte[i].prot)
				unmap(arg, t->pte[i].frame);
		pt_free(arg, t->frame);
		free(t);
	}
	pt_free(arg, root);
}

/* Moves bytes between the kernel and user memory, after checking the whole range. */
static int user_copy(struct fake *f, uint32_t root, uint64_t va, void *buf, size_t len, bool out)
{
	uint32_t prot;

	if (!len)
		return XOK_OK;
	if (va < XOK_USER_LO || va >= XOK_USER_HI || len > XOK_USER_HI - va)
		return XOK_EFAULT;
	for (uint64_t p = va & ~0xfffull; p < va + len; p += XOK_PAGE)
		if (fake_map_get(f, root, p, &prot) < 0 || (out && !(prot & XOK_PROT_W)))
			return XOK_EFAULT;
	for (size_t done = 0; done < len;) {
		size_t off = (va + done) & 0xfff;
		size_t n = len - done < XOK_PAGE - off ? len - done : XOK_PAGE - off;
		int64_t frame = fake_map_get(f, root, (va + done) & ~0xfffull, &prot);
		uint8_t *user = f->page[frame] + off, *kern = (uint8_t *)buf + done;

		memcpy(out ? user : kern, out ? kern : user, n);
		done += n;
	}
	return XOK_OK;
}

static int fake_copyin(void *m, uint32_t root, void *dst, uint64_t src, size_t len)
{
	return user_copy(m, root, src, dst, len, false);
}

static int fake_copyout(void *m, uint32_t root, uint64_t dst, const void *src, size_t len)
{
	return user_copy(m, root, dst, (void *)(uintptr_t)src, len, true);
}

static void fake_fpu_init(void *m, struct xok_env *e)
{
	(void)m, (void)e;
}

static int fake_transmit(void *m, uint32_t port, const void *frame, size_t len)
{
	struct fake *f = m;

	need(len >= XOK_FRAME_MIN && len <= XOK_FRAME_MAX && port < f->nport, "transmit");
	if (f->tx_full)
		return XOK_EAGAIN;
	memcpy(f->tx, frame, len);
	f->tx_len = len;
	f->tx_port = port;
	f->tx_count++;
	return XOK_OK;
}

static size_t fake_cons_write(void *m, uint32_t cons, const char *buf, size_t len)
{
	struct fake *f = m;
	size_t *at = &f->cons_len[cons];

	if (len > sizeof(f->cons[0]) - 1 - *at)
		*at = 0;
	memcpy(f->cons[cons] + *at, buf, len);
	*at += len;
	f->cons[cons][*at] = 0;
	return len;
}

static size_t fake_cons_read(void *m, uint32_t cons, char *buf, size_t len)
{
	struct fake *f = m;
	size_t n = f->cons_waiting ? strlen(f->cons_waiting) : 0;

	(void)cons;
	if (n > len)
		n = len;
	if (n) {
		memcpy(buf, f->cons_waiting, n);
		f->cons_waiting += n;
	}
	return n;
}

static void fake_power(void *m, uint32_t how, uint32_t status)
{
	struct fake *f = m;

	f->powered = true;
	f->power_how = how;
	f->power_status = status;
}

static const struct xok_machine_ops ops = {
	.now = fake_now,
	.random = fake_random,
	.frame_ptr = fake_frame_ptr,
	.space_init = fake_space_init,
	.map_get = fake_map_get,
	.map_set = fake_map_set,
	.space_free = fake_space_free,
	.copyin = fake_copyin,
	.copyout = fake_copyout,
	.fpu_init = fake_fpu_init,
	.transmit = fake_transmit,
	.cons_write = fake_cons_write,
	.cons_read = fake_cons_read,
	.power = fake_power,
};

/* ---- several processors, no address spaces ---- */

static int message_copy(struct fake *f, uint64_t va, void *buf, size_t len, bool out)
{
	if (va < MEM || va - MEM > MEM_SIZE || len > MEM_SIZE - (va - MEM))
		return XOK_EFAULT;
	uint8_t *user = f->message + (va - MEM);
	memcpy(out ? user : buf, out ? buf : user, len);
	return XOK_OK;
}

static int message_in(void *m, uint32_t root, void *dst, uint64_t src, size_t len)
{
	(void)root;
	return message_copy(m, src, dst, len, false);
}

static int message_out(void *m, uint32_t root, uint64_t dst, const void *src, size_t len)
{
	(void)root;
	return message_copy(m, dst, (void *)(uintptr_t)src, len, true);
}

/* Orders what a processor does in a burst before what is done when quiesce has returned. */
void fake_enter(struct fake *f, uint32_t cpu)
{
	__atomic_fetch_add(&f->epoch[cpu], 1, __ATOMIC_SEQ_CST);
}

void fake_leave(struct fake *f, uint32_t cpu)
{
	__atomic_fetch_add(&f->epoch[cpu], 1, __ATOMIC_SEQ_CST);
}

static void fake_quiesce(void *m)
{
	struct fake *f = m;

	f->quiesced++;
	if (f->on_quiesce)
		f->on_quiesce(f);
	for (uint32_t i = 0; i < f->ncpu; i++) {
		uint32_t was = __atomic_fetch_add(&f->epoch[i], 0, __ATOMIC_SEQ_CST);

		while (was & 1 && __atomic_fetch_add(&f->epoch[i], 0, __ATOMIC_SEQ_CST) == was)
			usleep(0);
	}
}

static void fake_doorbell(void *m, uint32_t env)
{
	struct fake *f = m;

	__atomic_fetch_add(&f->rung[env], 1, __ATOMIC_RELAXED);
}

static int fake_share(void *m, uint32_t first, uint32_t n)
{
	struct fake *f = m;

	if (f->share_fails && !--f->share_fails)
		return XOK_ENOMEM;
	for (uint32_t i = first; i < first + n; i++) {
		need(!f->piece[i], "a frame is shared twice");
		f->piece[i] = i == first ? 1 : 2;
	}
	return XOK_OK;
}

static void fake_unshare(void *m, uint32_t first, uint32_t n)
{
	struct fake *f = m;

	for (uint32_t i = first; i < first + n; i++) {
		need(f->piece[i] == (i == first ? 1 : 2), "what is unshared is no piece");
		f->piece[i] = 0;
	}
	need(first + n == f->nframe || f->piece[first + n] != 2, "half a piece is unshared");
}

static void fake_ended(void *m, uint32_t env)
{
	struct fake *f = m;

	f->ended[env]++;
}

static const struct xok_machine_ops ops_cpus = {
	.now = fake_now,
	.random = fake_random,
	.frame_ptr = fake_frame_ptr,
	.copyin = message_in,
	.copyout = message_out,
	.transmit = fake_transmit,
	.cons_write = fake_cons_write,
	.cons_read = fake_cons_read,
	.quiesce = fake_quiesce,
	.doorbell = fake_doorbell,
	.share = fake_share,
	.unshare = fake_unshare,
	.ended = fake_ended,
	.power = fake_power,
};

/* ---- set-up ---- */

static void *pages(size_t bytes)
{
	void *p = aligned_alloc(XOK_PAGE, bytes);

	need(p, "out of memory");
	return memset(p, 0, bytes);
}

/* One piece of memory, seen twice: what is written in one view is executed in the other. */
static void code_init(struct fake *f, size_t bytes)
{
	int fd = memfd_create("code", MFD_CLOEXEC);

	need(fd >= 0 && !ftruncate(fd, (off_t)bytes), "no file for code");
	f->code_w = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	f->code_x = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	need(f->code_w != MAP_FAILED && f->code_x != MAP_FAILED, "no code memory");
	f->code_bytes = bytes;
	close(fd);
}

/* Up to the root environment. */
static void boot(struct fake *f, const struct xok_machine_ops *machine, size_t code_bytes)
{
	static const uint8_t mac[6] = {0x52, 0x54, 0, 0, 0, 1};
	uint32_t nframe = f->nframe, nport = f->nport;

	f->page = calloc(nframe, sizeof(*f->page));
	need(f->page, "out of memory");
	f->frames = pages((size_t)nframe * XOK_PAGE);
	for (uint32_t i = 1; i < nframe; i++)
		f->page[i] = f->frames + (size_t)i * XOK_PAGE;
	if (code_bytes)
		code_init(f, code_bytes);
	f->info = pages(xok_info_size(nframe, nport));
	f->core = pages(xok_core_size(nport, f->ncpu));
	f->x = xok_init(&(struct xok_boot){
		.ops = machine,
		.ncpu = f->ncpu,
		.m = f,
		.info = f->info,
		.core = f->core,
		.nframe = nframe,
		.nport = nport,
		.code_w = f->code_w,
		.code_x = f->code_x,
		.code_bytes = code_bytes,
	});
	for (uint32_t i = 0; i < nframe + 2; i++)
		xok_frame_release(f->x, i);
	for (uint32_t i = 0; i < nport; i++)
		xok_port_up(f->x, i, mac, 1500);
	f->quota = f->info->frames_free;
	f->root = xok_root_env(f->x, "root");
}

void fake_init_cpus(struct fake *f, uint32_t nframe, uint32_t nport, size_t code_bytes,
		    uint32_t ncpu)
{
	*f = (struct fake){.nframe = nframe, .nport = nport, .now = 1000, .ncpu = ncpu};
	need(ncpu <= FAKE_CPUS, "too many processors");
	f->message = pages(MEM_SIZE);
	f->piece = calloc(nframe, 1);
	need(f->piece, "out of memory");
	boot(f, &ops_cpus, code_bytes);
	xok_root_run(f->x, f->root, 0, 0);
}

void fake_init(struct fake *f, uint32_t nframe, uint32_t nport, size_t code_bytes)
{
	*f = (struct fake){.nframe = nframe, .nport = nport, .now = 1000};
	boot(f, &ops, code_bytes);
	for (uint32_t i = 0; i < MEM_PAGES; i++)
		need(xok_root_page(f->x, f->root, MEM + i * XOK_PAGE, XOK_PROT_R | XOK_PROT_W),
		     "root page");
	xok_root_run(f->x, f->root, CODE, MEM + MEM_SIZE);
}

void fake_fini(struct fake *f)
{
	while (f->tables) {
		struct fake_table *t = f->tables;

		f->tables = t->next;
		free(t);
	}
	if (f->code_bytes) {
		munmap(f->code_w, f->code_bytes);
		munmap(f->code_x, f->code_bytes);
	}
	free(f->frames);
	free(f->page);
	free(f->info);
	free(f->core);
	free(f->message);
	free(f->piece);
}

/* ---- helpers ---- */

void poke(struct fake *f, struct xok_env *e, uint64_t va, const void *data, size_t len)
{
	void *from = (void *)(uintptr_t)data;

	need(!(f->message ? message_copy(f, va, from, len, true)
			  : user_copy(f, e->root, va, from, len, true)),
	     "poke");
}

void peek(struct fake *f, struct xok_env *e, uint64_t va, void *data, size_t len)
{
	need(!(f->message ? message_copy(f, va, data, len, false)
			  : user_copy(f, e->root, va, data, len, false)),
	     "peek");
}

int64_t call6(struct fake *f, struct xok_env *e, uint64_t nr, const uint64_t arg[6])
{
	return xok_syscall(f->x, e, XOK_SYS_BASE + nr, arg);
}

struct xok_env *env_of(struct fake *f, int64_t id)
{
	need(id > 0, "no environment id");
	struct xok_env *e = env_by_id(f->x, (uint32_t)id);
	need(e, "no such environment");
	return e;
}

struct xok_cap cap_of(const char *name, uint8_t perms)
{
	struct xok_cap c = {.valid = 1, .perms = perms, .len = (uint8_t)strlen(name)};

	memcpy(c.name, name, c.len);
	return c;
}

int64_t forge(struct fake *f, struct xok_env *e, uint32_t from, uint32_t to, struct xok_cap want)
{
	poke(f, e, MEM, &want, sizeof(want));
	return CALL(f, e, cap_forge, from, to, MEM);
}

int64_t set_acl(struct fake *f, struct xok_env *e, uint32_t k, uint32_t resource, uint32_t id,
		uint32_t index, struct xok_cap entry)
{
	poke(f, e, MEM, &entry, sizeof(entry));
	return CALL(f, e, acl_set, k, resource, id, index, MEM);
}

void frames_new(struct fake *f, struct xok_env *e, uint32_t slot, uint32_t *frame, uint32_t n)
{
	need(!CALL(f, e, frame_alloc, slot, MEM, n), "frame_alloc");
	peek(f, e, MEM, frame, n * sizeof(*frame));
}

uint32_t frame_new(struct fake *f, struct xok_env *e, uint32_t slot)
{
	uint32_t frame;

	frames_new(f, e, slot, &frame, 1);
	return frame;
}

/*
 * A child of the root environment under a capability of that name, which it holds in slot 0; with
 * memory like the root's.
 */
struct xok_env *child_new(struct fake *f, uint32_t quota, const char *cap_name)
{
	need(!forge(f, f->root, 0, 15, cap_of(cap_name, XOK_PERM_ALL)), "forge");
	poke(f, f->root, MEM, cap_name, strlen(cap_name));
	int64_t id = CALL(f, f->root, env_alloc, 15, quota, MEM, strlen(cap_name));
	struct xok_env *e = env_of(f, id);
	need(!CALL(f, f->root, cap_give, 0, (uint64_t)id, 15, 0), "cap_give");
	need(!CALL(f, f->root, cap_drop, 15), "cap_drop");
	for (uint32_t i = 0; !f->message && i < MEM_PAGES; i++) {
		uint32_t frame = frame_take(f->x, e, XOK_FRAME_USER);

		acl_first(f->x->frame[frame].acl, XOK_NACL_FRAME, &e->info->cap[0]);
		need(!map_page(f->x, e, MEM + i * XOK_PAGE, frame, XOK_PROT_R | XOK_PROT_W), "map");
	}
	return e;
}

/* Starts it, with one slice. */
void child_run(struct fake *f, struct xok_env *e)
{
	need(!CALL(f, f->root, env_run, 0, e->info->id, CODE, MEM + MEM_SIZE, 0), "env_run");
	need(CALL(f, f->root, slice_alloc, 0, 0, e->info->id) >= 0, "slice_alloc");
}
