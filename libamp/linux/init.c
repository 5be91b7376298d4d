/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c - before main: the bookkeeping, the control page, the doorbell, what our parent shares; and what a former process of this environment left.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "libamp/linux/linux.h"

const struct xok_info *linux_info;
struct xl_control *linux_control;
int linux_bell;
struct former linux_former;

static uint32_t self, starts;

void *map_fd(int fd, void *at, size_t len, bool write)
{
	void *p = mmap(at, len, write ? PROT_READ | PROT_WRITE : PROT_READ,
		       MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);

	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

const struct xok_env_info *info_self(void)
{
	return amp_env_info(self);
}

uint32_t amp_self(void)
{
	return self;
}

uint32_t amp_starts(void)
{
	return starts;
}

/* ---- after a process that was lost ---- */

/* Programs that others call go after them. */
static void unload_former(void)
{
	bool more = true;

	while (more) {
		more = false;
		for (uint32_t i = 0; i < linux_former.nprog; i++) {
			if (linux_former.prog[i] &&
			    xok_prog_unload(linux_former.prog[i]) == XOK_OK) {
				linux_former.prog[i] = 0;
				more = true;
			}
		}
	}
	linux_former.nprog = 0;
}

void former_release(void)
{
	for (uint32_t i = 0; linux_former.rings != 0; i++) {
		if (linux_former.rings & 1u << i)
			xok_ring_release(i);
		linux_former.rings &= ~(1u << i);
	}
	unload_former();
	for (uint32_t i = 0; i < linux_former.ntable; i++)
		if (linux_former.table[i])
			xok_table_destroy(CAP, linux_former.table[i]);
	linux_former.ntable = 0;
}

static void find_former(void)
{
	const struct xok_env_info *me = info_self();

	for (uint32_t i = 0; i < XOK_ENV_RINGS; i++)
		if (me->ring_frame[i])
			linux_former.rings |= 1u << i;
	for (uint32_t i = 0; i < amp_progs(); i++) {
		const struct xok_prog_info *p = amp_prog_info(i);

		if (p && p->owner == self)
			linux_former.prog[linux_former.nprog++] = p->id;
	}
	for (uint32_t i = 0; i < amp_tables(); i++) {
		const struct xok_table_info *t = amp_table_info(i);

		if (t && t->owner == self)
			linux_former.table[linux_former.ntable++] = t->id;
	}
}

/* Children shared memory with the former process that nobody has any more; half-made capabilities are of no use. */
static void end_former(void)
{
	const struct xok_env_info *e = books(linux_info->env_off), *me = info_self();

	for (uint32_t i = 0; i < linux_info->nenv; i++) {
		uint32_t id = e[i].id;

		if (e[i].state == XOK_ENV_FREE || e[i].parent != self)
			continue;
		if (e[i].state != XOK_ENV_ENDED)
			xok_env_destroy(CAP, id);
		xok_env_destroy(CAP, id); /* its entry */
	}
	for (uint32_t i = CAP + 1; i < XOK_NCAP; i++)
		if (me->cap[i].valid)
			xok_cap_drop(i);
}

/* ---- the start ---- */

static _Noreturn void hopeless(const char *why)
{
	static const char head[] = "amp: ";

	/* There is no bookkeeping to ask whether this goes anywhere. */
	xok_cons_write(CAP, 0, head, sizeof(head) - 1);
	xok_cons_write(CAP, 0, why, (uint32_t)strlen(why));
	_exit(127);
}

__attribute__((constructor)) static void init(void)
{
	static struct xl_hello h;
	static struct request r = {.head = {.nr = XL_HELLO, .arg = {(uintptr_t)&h}}};

	request_add(&r, &h, sizeof(h), XL_WRITE);
	if (request_make(&r) != XOK_OK || h.version != XL_VERSION || r.nfd != 3 + h.nshare)
		hopeless("xokd speaks another version of its protocol\n");
	self = h.env;
	starts = h.starts;
	linux_info = map_fd(r.fd[0], NULL, h.info_bytes, false);
	linux_control = map_fd(r.fd[1], NULL, XOK_PAGE, true);
	linux_bell = r.fd[2];
	if (!linux_info || !linux_control || linux_info->version != XOK_ABI_VERSION)
		hopeless("no bookkeeping, or that of another version of the kernel\n");
	shares_take(&h, r.fd + 3);
	log_name(program_invocation_name);
	prctl(PR_SET_NAME, info_self()->name);
	if (starts > 1) {
		end_former();
		find_former();
	}
}

void amp_random(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = getrandom(p, len < 256 ? len : 256, 0);

		if (n < 0 && errno != EINTR)
			_exit(127); /* a program must never go on with bytes that are not random */
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}
