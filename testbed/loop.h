/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.h - the supervisor's event loop (epoll) and line channels on it. Single-threaded: everything is called from
 * loop_step. Whoever is called back may close any watch or channel, its own included.
 */
#ifndef TESTBED_LOOP_H
#define TESTBED_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t loop_now(void);  /* monotonic ns */
uint64_t loop_wall(void); /* UTC ns */

struct loop {
	int epoll;
};

struct watch {
	int fd;
	void (*fn)(void *arg, uint32_t events); /* EPOLLIN ... */
	void *arg;
	struct loop *loop;
};

int loop_init(struct loop *l);
void loop_fini(struct loop *l);
/* Waits until something is ready or monotonic time `until`, and calls what is ready. */
void loop_step(struct loop *l, uint64_t until);

int watch_open(struct loop *l, struct watch *w, int fd, uint32_t events,
	       void (*fn)(void *arg, uint32_t events), void *arg);
int watch_events(struct watch *w, uint32_t events);
/* Stops watching; the descriptor stays open. */
void watch_close(struct watch *w);

/*
 * A stream of lines both ways, over one descriptor or a pair (to read from, to write to). SIGPIPE must be ignored. on_line gets each line without its newline; a line longer than CHAN_LINE is cut and `cut`
 * says so. on_raw, when set, gets bytes as they come instead. on_close: the other side is gone, or what it should have read grew
 * beyond CHAN_BACKLOG; the owner then calls chan_close. on_room, when set: all that had to wait has been written.
 */
#define CHAN_LINE 9216u
#define CHAN_BACKLOG (4u << 20)

struct chan {
	struct watch w, wout; /* wout: only when they are two */
	int out_fd;
	void (*on_line)(void *arg, char *line, bool cut);
	void (*on_raw)(void *arg, const char *buf, size_t len);
	void (*on_close)(void *arg);
	void (*on_room)(void *arg);
	void *arg;
	char *out;
	size_t out_len, out_size;
	size_t in_len;
	bool cut, broken, waits; /* waits: for room to write */
	char in[CHAN_LINE + 1];
};

/* Takes the descriptors over (they may be the same) and makes them non-blocking. */
int chan_open(struct loop *l, struct chan *c, int in, int out);
void chan_close(struct chan *c);
/* Hands out what is still there to read, when the other side has ended. May close the channel. */
void chan_drain(struct chan *c);
static inline bool chan_is_open(const struct chan *c)
{
	return c->w.loop != NULL;
}
void chan_write(struct chan *c, const void *buf, size_t len);
__attribute__((format(printf, 2, 3))) void chan_printf(struct chan *c, const char *fmt, ...);

#endif
