/* SPDX-License-Identifier: BSD-2-Clause */
/* linux.h - what the files of libamp/linux share: environments as processes that talk to xokd (xok/linux.h). */
#ifndef AMP_LINUX_INTERNAL_H
#define AMP_LINUX_INTERNAL_H

#define AMP_LINUX /* amp/sys.h: calls are messages */

#include "amp/amp.h"
#include "amp/sys.h"
#include "libamp/common/backend.h"
#include "xok/linux.h"

/* The slot that every environment's authority stands in. */
#define CAP 0u

/* ---- call.c ---- */

/* Memory that a request reads (XL_READ) or writes (XL_WRITE). */
struct memory {
	const void *at;
	size_t len;
	uint32_t flags;
};

struct request {
	struct xl_request head;
	struct xl_piece piece[XL_PIECES];
	uint32_t bytes; /* of all pieces */
	int fd[XL_FDS]; /* the answer's descriptors, ours to close */
	uint32_t nfd;
};

/* Makes r->head's call. What xokd answers; r->fd and r->nfd are filled in. */
int64_t request_make(struct request *r);
/* Adds a piece; false: there is no room for it in a message. */
bool request_add(struct request *r, const void *at, size_t len, uint32_t flags);
/* One of the machine's own requests with at most one piece of memory. *fd gets the answer's first descriptor, -1: there is none. */
int64_t machine_call(uint32_t nr, const uint64_t arg[3], const struct memory *m, int *fd);

/* ---- init.c ---- */

extern const struct xok_info *linux_info;
extern struct xl_control *linux_control;
extern int linux_bell;

/* What a former process of this environment left, by index or id. */
struct former {
	uint32_t rings; /* bit n: ring n */
	uint32_t nprog, ntable;
	uint32_t prog[XOK_NPROG], table[XOK_NTABLE];
};
extern struct former linux_former;
void former_release(void);

static inline const void *books(uint32_t offset)
{
	return (const uint8_t *)linux_info + offset;
}
const struct xok_env_info *info_self(void);

/* Maps memory that a descriptor stands for, which is closed: where it is, or NULL. */
void *map_fd(int fd, void *at, size_t len, bool write);

/* ---- cons.c ---- */
void cons_poll(uint32_t events);
bool cons_waiting(void);

/* ---- spawn.c ---- */
void shares_take(const struct xl_hello *h, const int *fd);

#endif
