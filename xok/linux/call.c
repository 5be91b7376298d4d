/* SPDX-License-Identifier: BSD-2-Clause */
/* call.c - requests of environments: received, copied, made, answered. Nothing here waits for an environment. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "envs.h"
#include "xok/sysnum.h"

/* Of one environment, before the others have their turn: so many, and none that is begun later than this. */
#define TURN_CALLS 32u
#define TURN_NS 500000u

int env_copyin(void *arg, uint32_t root, void *dst, uint64_t src, size_t len)
{
	const struct xokd *d = arg;
	(void)root;

	return d->envs->caller ? message_in(&d->envs->message, dst, src, len) : XOK_EFAULT;
}

int env_copyout(void *arg, uint32_t root, uint64_t dst, const void *src, size_t len)
{
	struct xokd *d = arg;
	(void)root;

	return d->envs->caller ? message_out(&d->envs->message, dst, src, len) : XOK_EFAULT;
}

/* ---- answers ---- */

/* One that does not take its answers has sent requests without waiting for them. */
static int send_answer(int sock, const void *buf, size_t len, const struct answer *a)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(CALL_FDS * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = (void *)buf, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (a->nfd) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(a->nfd * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(a->nfd * sizeof(int));
		memcpy(CMSG_DATA(&control.head), a->fd, a->nfd * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static void answer(struct process *p, const struct answer *a)
{
	struct envs *v = p->d->envs;
	size_t len = message_answer(&v->message, a->result, a->nfd, v->buf);

	if (!send_answer(p->watch.fd, v->buf, len, a))
		return;
	/* One that has ended hears no more; how it did is yet to be told. */
	if (errno == EAGAIN)
		process_break(p, "it does not read the answers to its requests");
	else
		process_closed(p);
}

/* ---- requests ---- */

static int64_t system_call(struct process *p, const struct message *m)
{
	/* A process is more than a runnable entry: XL_EXEC starts one. */
	if (m->req.nr == XOK_SYS_env_run)
		return XOK_ENOSYS;
	return xok_syscall(p->d->xok, p->e, XOK_SYS_BASE + (uint64_t)m->req.nr, m->req.arg);
}

static void make(struct process *p)
{
	struct envs *v = p->d->envs;
	const uint64_t token = p->token;
	struct answer a = {.result = XOK_ENOSYS};

	v->caller = p;
	if (v->message.req.nr < XL_BASE)
		a.result = system_call(p, &v->message);
	else
		call_machine(p, &v->message, &a);
	v->caller = NULL;
	/* The call may have ended it. */
	if (p->token == token && !p->wrong)
		answer(p, &a);
	for (uint32_t i = 0; i < a.nfd; i++)
		close(a.fd[i]);
}

/* True: one was there, and made. */
static bool take(struct process *p)
{
	struct envs *v = p->d->envs;
	const char *wrong;
	struct iovec iov = {.iov_base = v->buf, .iov_len = XL_REQUEST_MAX};
	/* No room for descriptors: those that are sent are closed by the kernel on the way. */
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = recvmsg(p->watch.fd, &msg, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		process_closed(p);
		return false;
	}
	if (msg.msg_flags & MSG_TRUNC)
		wrong = "a request longer than any";
	else if (msg.msg_flags & MSG_CTRUNC)
		wrong = "a request with descriptors";
	else if (message_read(&v->message, v->buf, (size_t)n, &wrong))
		; /* it says what */
	else if (!p->greeted && v->message.req.nr != XL_HELLO)
		wrong = "its first request was not XL_HELLO";
	else {
		make(p);
		return true;
	}
	process_break(p, wrong);
	return false;
}

void call_ready(void *process, uint32_t events)
{
	struct process *p = process;
	const uint64_t token = p->token, end = now() + TURN_NS;
	(void)events;

	for (uint32_t i = 0; i < TURN_CALLS && token && p->token == token && !p->wrong; i++)
		if (!take(p) || now() >= end)
			break;
}
