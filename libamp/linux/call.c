/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call.c - a system call as a message: which memory it reads and writes is what syscalls.def says of its arguments, and for three calls
 * what these point to in turn.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "libamp/linux/linux.h"

/* ---- messages ---- */

bool request_add(struct request *r, const void *at, size_t len, uint32_t flags)
{
	if (!len || !at)
		return true;
	if (r->head.npiece == XL_PIECES || len > XL_MEMORY - r->bytes)
		return false;
	r->piece[r->head.npiece++] = (struct xl_piece){
		.va = (uintptr_t)at, .len = (uint32_t)len, .flags = flags};
	r->bytes += (uint32_t)len;
	return true;
}

/* The pieces' bytes go from where they are. */
static int64_t put(const struct request *r)
{
	static struct iovec iov[2 + XL_PIECES];
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 1};

	iov[0] = (struct iovec){(void *)&r->head, sizeof(r->head)};
	if (r->head.npiece)
		iov[msg.msg_iovlen++] = (struct iovec){(void *)r->piece,
						       r->head.npiece * sizeof(r->piece[0])};
	for (uint32_t i = 0; i < r->head.npiece; i++)
		if (r->piece[i].flags & XL_READ)
			iov[msg.msg_iovlen++] = (struct iovec){(void *)(uintptr_t)r->piece[i].va,
							       r->piece[i].len};
	while (sendmsg(XL_FD, &msg, MSG_NOSIGNAL) < 0) {
		if (errno == EFAULT)
			return XOK_EFAULT;
		if (errno != EINTR)
			_exit(126); /* there is no kernel any more */
	}
	return XOK_OK;
}

static void take_descriptors(struct request *r, struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	r->nfd = 0;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	r->nfd = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(r->fd, CMSG_DATA(c), r->nfd * sizeof(int));
}

static int64_t get(struct request *r)
{
	static uint8_t buf[XL_ANSWER_MAX];
	static union {
		struct cmsghdr head;
		char room[CMSG_SPACE(XL_FDS * sizeof(int))];
	} control;
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	const uint8_t *piece = buf + sizeof(struct xl_answer), *from;
	struct xl_answer a;
	ssize_t n;

	do
		n = recvmsg(XL_FD, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(a))
		_exit(126);
	take_descriptors(r, &msg);
	memcpy(&a, buf, sizeof(a));
	from = piece + a.npiece * sizeof(struct xl_piece);
	for (uint32_t i = 0; i < a.npiece; i++) {
		struct xl_piece p;

		memcpy(&p, piece + i * sizeof(p), sizeof(p));
		memcpy((void *)(uintptr_t)p.va, from, p.len);
		from += p.len;
	}
	return a.result;
}

int64_t request_make(struct request *r)
{
	int64_t err = put(r);

	r->nfd = 0;
	return err < 0 ? err : get(r);
}

int64_t machine_call(uint32_t nr, const uint64_t arg[3], const struct memory *m, int *fd)
{
	static struct request r;
	int64_t result;

	r.head = (struct xl_request){.nr = nr, .arg = {arg[0], arg[1], arg[2]}};
	r.bytes = 0;
	if (m && !request_add(&r, m->at, m->len, m->flags))
		return XOK_EINVAL;
	result = request_make(&r);
	for (uint32_t i = fd != NULL; i < r.nfd; i++)
		close(r.fd[i]);
	if (fd)
		*fd = r.nfd ? r.fd[0] : -1;
	return result;
}

/* ---- system calls ---- */

enum kind { PLAIN, KIND_IN, KIND_OUT, KIND_INV, KIND_OUTV };

/* clang-format off */
#define K(name) {PLAIN, 0}
#define U32(name) {PLAIN, 0}
#define U64(name) {PLAIN, 0}
#define ENV(name) {PLAIN, 0}
#define VA(name) {PLAIN, 0}
#define IN(type, name) {KIND_IN, sizeof(type)}
#define OUT(type, name) {KIND_OUT, sizeof(type)}
#define INV(type, name) {KIND_INV, sizeof(type)}
#define OUTV(type, name) {KIND_OUTV, sizeof(type)}
#define ARGS(...) __VA_ARGS__
#define XOK_SYSCALL(nr, name, args, contract) [nr] = {ARGS args},
static const struct {
	uint8_t kind;
	uint16_t size;
} kinds[][6] = {
#include "xok/syscalls.def"
};
#undef XOK_SYSCALL
#undef ARGS
#undef K
#undef U32
#undef U64
#undef ENV
#undef VA
#undef IN
#undef OUT
#undef INV
#undef OUTV
/* clang-format on */

#define NCALLS (sizeof(kinds) / sizeof(kinds[0]))

/* A list that is longer than the kernel reads, a page, stays behind: the kernel says what it thinks of it before it looks. */
static bool add_argument(struct request *r, uint32_t nr, uint32_t i, const uint64_t arg[6])
{
	const void *at = (const void *)(uintptr_t)arg[i];
	size_t size = kinds[nr][i].size, n = 1;
	uint8_t kind = kinds[nr][i].kind;

	if (kind == PLAIN)
		return true;
	if (kind == KIND_INV || kind == KIND_OUTV)
		n = (uint32_t)arg[i + 1];
	if (n > XOK_PAGE / size)
		n = size == 1 ? XOK_PAGE : 0;
	if (nr == XOK_NR_batch)
		return request_add(r, at, n * size, XL_READ | XL_WRITE); /* results go there */
	return request_add(r, at, n * size,
			   kind == KIND_IN || kind == KIND_INV ? XL_READ : XL_WRITE);
}

static bool add_program(struct request *r, const struct xok_prog_spec *s)
{
	if (s->ninsn > 4096 || s->rodata_len > XOK_PROG_RODATA)
		return true; /* refused for that */
	return request_add(r, (const void *)(uintptr_t)s->insn, s->ninsn * 8u, XL_READ) &&
	       request_add(r, (const void *)(uintptr_t)s->rodata, s->rodata_len, XL_READ) &&
	       request_add(r, (const void *)(uintptr_t)s->report, sizeof(struct xok_prog_report),
			   XL_WRITE);
}

static bool add_parts(struct request *r, const struct xok_iov *iov, uint32_t n)
{
	for (uint32_t i = 0; i < n && n <= XOK_NIOV; i++)
		if (iov[i].len <= XOK_FRAME_MAX &&
		    !request_add(r, (const void *)(uintptr_t)iov[i].base, iov[i].len, XL_READ))
			return false;
	return true;
}

static bool add_call(struct request *r, uint64_t nr, const uint64_t arg[6])
{
	if (nr >= NCALLS)
		return true;
	for (uint32_t i = 0; i < 6; i++)
		if (!add_argument(r, (uint32_t)nr, i, arg))
			return false;
	if (nr == XOK_NR_prog_load && arg[1])
		return add_program(r, (const void *)(uintptr_t)arg[1]);
	if (nr == XOK_NR_transmit && arg[2])
		return add_parts(r, (const void *)(uintptr_t)arg[2], (uint32_t)arg[3]);
	return true;
}

static bool add_batch(struct request *r, const struct xok_call *call, uint32_t n)
{
	for (uint32_t i = 0; i < n && n <= XOK_PAGE / sizeof(*call); i++)
		if (call[i].nr != XOK_NR_batch && !add_call(r, call[i].nr, call[i].arg))
			return false;
	return true;
}

int64_t xok_call6(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
		  uint64_t f)
{
	static struct request r;
	const uint64_t arg[6] = {a, b, c, d, e, f};

	r.head = (struct xl_request){.nr = (uint32_t)nr, .arg = {a, b, c, d, e, f}};
	r.bytes = 0;
	if (!add_call(&r, nr, arg))
		return XOK_EINVAL;
	if (nr == XOK_NR_batch && a && !add_batch(&r, (const void *)(uintptr_t)a, (uint32_t)b))
		return XOK_EINVAL;
	return request_make(&r);
}
