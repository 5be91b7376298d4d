/* SPDX-License-Identifier: BSD-2-Clause */
/* books.c - the kernel's books recomputed from what they are about. */
#include "fake.h"

#include <stdlib.h>

struct tally {
	uint32_t *refs;		 /* of each frame: mappings and pins */
	uint8_t *pt;		 /* it is a page table */
	uint8_t *pinned;	 /* by how many rings */
	uint8_t *kernel;	 /* it holds a ring, or belongs to a program */
	uint8_t *table;		 /* it belongs to a table */
	uint8_t *ring;		 /* the kernel took it for a ring */
	uint32_t code[XOK_NENV]; /* frames charged for code */
	uint32_t charged[XOK_NENV];
};

static bool alive(const struct fake *f, uint32_t i)
{
	uint8_t s = f->x->env_info[i].state;

	return s != XOK_ENV_FREE && s != XOK_ENV_ENDED;
}

static void count_spaces(const struct fake *f, struct tally *t)
{
	for (const struct fake_table *pt = f->tables; pt; pt = pt->next) {
		t->pt[pt->frame]++;
		for (uint32_t i = 0; i < 512; i++)
			if (pt->pte[i].prot)
				t->refs[pt->pte[i].frame]++;
	}
}

static void count_env(const struct fake *f, struct tally *t, uint32_t i)
{
	const struct xok_env *e = &f->x->env[i];

	t->pt[e->root] += e->root != 0;
	if (e->uenv_frame)
		t->refs[e->uenv_frame]++;
	for (uint32_t j = 0; j < XOK_ENV_RINGS; j++) {
		const struct ring *r = ring_of(e, j);

		if (!r)
			continue;
		t->kernel[r->self]++;
		for (uint32_t k = 0; k < r->nframe; k++) {
			t->ring[r->frame[k]] += f->message != NULL;
			if (f->message)
				continue;
			t->refs[r->frame[k]]++;
			t->pinned[r->frame[k]]++;
		}
	}
}

/* Tables pin their frames; each program that uses one counts in it. */
static const char *count_tables(const struct fake *f, struct tally *t)
{
	uint32_t refs[XOK_NTABLE] = {0};

	for (uint32_t i = 0; i < XOK_NPROG; i++) {
		const struct prog *p = &f->x->prog[i];

		for (uint32_t j = 0; p->info->id && j < p->ntable; j++)
			refs[p->table[j]]++;
	}
	for (uint32_t i = 0; i < XOK_NTABLE; i++) {
		const struct xok_table_info *info = &f->x->table_info[i];
		const struct xok_env *owner = env_by_id(f->x, info->owner);

		if (info->refs != refs[i])
			return "a table's programs do not add up";
		if (!info->id)
			continue;
		if (!owner || !alive(f, env_index(f->x, owner)))
			return "a table's owner is gone";
		if (f->x->table[i].released && !info->refs)
			return "a table was given back and kept";
		for (uint32_t j = info->first; j < info->first + info->nframe; j++) {
			const struct xok_frame_info *fi = &f->x->frame[j];

			t->refs[j]++;
			t->table[j]++;
			if (fi->owner != info->owner)
				return "a table's frame has another owner";
			if ((fi->flags & XOK_FRAME_RELEASED) != f->x->table[i].released)
				return "a table and its frames are not given back together";
		}
	}
	return NULL;
}

static uint32_t granules(const struct prog *p)
{
	return p->base ? (p->code.size + 63) / 64 * 64 : 0;
}

static const char *check_code(const struct fake *f, const struct prog *p)
{
	if (!p->base != !p->info->code_bytes || (p->base && p->base != f->x->code_x + p->code_at))
		return "a program's code is not where it should be";
	if (p->base && p->code_at + granules(p) > f->x->code_bytes)
		return "a program's code leaves the code memory";
	for (uint32_t i = 0; i < XOK_NPROG; i++) {
		const struct prog *q = &f->x->prog[i];

		if (q != p && q->info->id && q->code_at < p->code_at + granules(p) &&
		    p->code_at < q->code_at + granules(q))
			return "two programs share code memory";
	}
	return NULL;
}

/* What is bound to each program: filters, and programs that call it. */
struct bound {
	uint32_t filters[XOK_NPROG], callers[XOK_NPROG];
};

static const char *count_bound(const struct fake *f, struct bound *b)
{
	const struct xok *x = f->x;

	for (uint32_t i = 0; i < XOK_NFILTER; i++) {
		const struct filter *fl = &x->filter[i];

		if (!fl->prog)
			continue;
		b->filters[fl->prog - 1]++;
		if (&x->env[i / XOK_ENV_FILTERS] != x->prog[fl->prog - 1].env || !fl->nports)
			return "a handler is bound to another's filter, or to none";
	}
	for (uint32_t i = 0; i < XOK_NPROG; i++) {
		const struct prog *p = &x->prog[i];

		for (uint32_t k = 0; p->info->id && k < p->ncallee; k++) {
			const struct prog *q = p->callee[k];

			b->callers[q - x->prog]++;
			if (q->env != p->env || q->height >= p->height)
				return "a program calls what it may not";
		}
	}
	return NULL;
}

/* Something of the code memory is kept for the root environment. */
static const char *check_shares(const struct fake *f)
{
	uint32_t all = 0;

	for (uint32_t i = 0; i < XOK_NPROG; i++) {
		const struct prog *p = &f->x->prog[i];

		if (p->info->id && p->env->info->parent)
			all += granules(p);
	}
	return all > f->x->code_bytes / 4 * 3 + 3 ? "code memory is not shared out" : NULL;
}

static const char *check_bound(const struct prog *p, uint32_t filters, uint32_t callers)
{
	if (!p->info->id)
		return callers || filters ? "something is bound to a program that is gone" : NULL;
	return p->callers == callers && p->info->refs == callers + filters
		       ? NULL
		       : "a program's references do not add up";
}

static const char *count_progs(const struct fake *f, struct tally *t)
{
	struct bound b = {.filters = {0}};
	const char *bad = count_bound(f, &b);

	if (!bad)
		bad = check_shares(f);
	for (uint32_t i = 0; i < XOK_NPROG && !bad; i++) {
		const struct prog *p = &f->x->prog[i];

		bad = check_bound(p, b.filters[i], b.callers[i]);
		if (bad)
			return bad;
		if (!p->info->id)
			continue;
		if (!env_live(p->env) || p->info->owner != p->env->info->id)
			return "a program's owner is gone";
		if (p->info->frames != p->nframe + p->code_frames)
			return "a program's charge is wrong";
		for (uint32_t j = 0; j < p->nframe; j++)
			t->kernel[p->first + j]++;
		t->code[env_index(f->x, p->env)] += p->code_frames;
		bad = check_code(f, p);
	}
	return bad;
}

static const char *check_frame(const struct fake *f, const struct tally *t, uint32_t i)
{
	const struct xok_frame_info *fi = &f->x->frame[i];
	bool table = fi->type == XOK_FRAME_TABLE;
	bool user = fi->type == XOK_FRAME_USER || fi->type == XOK_FRAME_DMA || table;

	if (t->table[i] > 1 || (t->table[i] && !table))
		return "a table's frame has another type";
	if (table && !t->table[i] && !(fi->flags & XOK_FRAME_RELEASED))
		return "a table's frame belongs to none";
	if (t->ring[i] != (fi->type == XOK_FRAME_RING))
		return "a ring's frame has another type, or belongs to none";
	if (f->message && !f->piece[i] != !(t->ring[i] + t->table[i]))
		return "what is shared is not what tables and rings have";
	if (t->pt[i] + t->kernel[i] + t->ring[i] + user + (fi->type == XOK_FRAME_FREE) != 1)
		return "a frame is of two kinds, or of none";
	if (t->pt[i] && fi->type != XOK_FRAME_PT)
		return "a page table has another type";
	if (t->kernel[i] && fi->type != XOK_FRAME_KERNEL)
		return "a kernel object has another type";
	if (t->refs[i] && !user)
		return "something else than a user frame is mapped";
	if (t->pinned[i] != (fi->type == XOK_FRAME_DMA))
		return "pins and type disagree";
	if (user && fi->refs != t->refs[i])
		return "references do not add up";
	if ((fi->flags & XOK_FRAME_RELEASED) && !fi->refs)
		return "a frame was released and kept";
	return NULL;
}

static const char *check_frames(const struct fake *f, struct tally *t)
{
	uint32_t free_frames = 0, listed = 0;

	for (uint32_t i = 1; i < f->nframe; i++) {
		const struct xok_frame_info *fi = &f->x->frame[i];
		const char *bad = check_frame(f, t, i);
		const struct xok_env *owner = env_by_id(f->x, fi->owner);

		if (bad)
			return bad;
		if (fi->type == XOK_FRAME_FREE)
			free_frames++;
		else if (!owner || !alive(f, env_index(f->x, owner)))
			return "a frame's owner is gone";
		else
			t->charged[env_index(f->x, owner)]++;
	}
	for (uint32_t i = f->x->frame_list, before = 0; i && listed < f->nframe;
	     before = i, i = f->x->frame[i].owner) {
		if (memcmp(f->x->frame[i].acl[0].name, &before, sizeof(before)))
			return "the list of free frames is not linked back";
		listed++;
	}
	return free_frames == f->info->frames_free && free_frames == listed
		       ? NULL
		       : "free frames do not add up";
}

static const char *check_caps(const struct xok_env_info *info)
{
	uint32_t caps = 0, acl = 0;

	for (uint32_t i = 0; i < XOK_NCAP; i++)
		caps += info->cap[i].valid;
	for (uint32_t i = 0; i < XOK_NACL; i++)
		acl += info->acl[i].valid;
	if (caps != info->ncap_used || acl != info->nacl)
		return "capability counts do not add up";
	return info->acl[0].valid ? NULL : "the creator's access entry is gone";
}

static const char *check_envs(const struct fake *f, const struct tally *t)
{
	uint64_t quota = 0;

	for (uint32_t i = 0; i < XOK_NENV; i++) {
		const struct xok_env_info *info = &f->x->env_info[i];
		const struct xok_env *e = &f->x->env[i];

		if (info->state == XOK_ENV_FREE)
			continue;
		quota += info->frames_quota;
		if (info->frames > info->frames_quota)
			return "more charged than the quota";
		if (info->frames != t->charged[i] + t->code[i] + (e->nfilter > 0))
			return "charges do not add up";
		if (info->parent && !env_by_id(f->x, info->parent))
			return "a parent's entry is gone";
		const char *bad = check_caps(info);
		if (bad)
			return bad;
	}
	return quota == f->quota || f->powered ? NULL : "quotas do not add up";
}

static const char *check_filters(const struct fake *f)
{
	uint32_t held[XOK_NFILTER] = {0}, of_env[XOK_NENV] = {0};

	for (uint32_t p = 0; p < f->nport; p++) {
		struct dpf_stats stats;
		uint32_t n = 0, known = 0;

		for (uint32_t b = 0; b < XOK_NFILTER; b++) {
			uint16_t to = f->x->demux[p].bind[b];

			known += to != 0;
			if (!to)
				continue;
			held[to - 1]++;
			n++;
		}
		if (n != f->x->port[p].nfilter)
			return "a port's filters do not add up";
		dpf_stats(f->x->demux[p].dpf, &stats);
		if (stats.filters != known)
			return "a demultiplexer holds other filters than its port";
		dpf_stats(f->x->demux[p].spare, &stats);
		if (stats.filters != known)
			return "a port's demultiplexers differ";
	}
	for (uint32_t i = 0; i < XOK_NFILTER; i++) {
		const struct xok_env *e = &f->x->env[i / XOK_ENV_FILTERS];

		if (f->x->filter[i].going && f->x->filter[i].nports)
			return "a filter is still about to be removed";
		if (held[i] != f->x->filter[i].nports)
			return "a filter's ports do not add up";
		if (held[i] && !ring_of(e, f->x->filter[i].ring))
			return "a filter's ring is gone";
		of_env[i / XOK_ENV_FILTERS] += held[i] > 0;
	}
	for (uint32_t i = 0; i < XOK_NENV; i++)
		if (of_env[i] != (alive(f, i) ? f->x->env[i].nfilter : 0))
			return "an environment's filters do not add up";
	return NULL;
}

static const char *check_slices(const struct fake *f)
{
	for (uint32_t i = 0; i < XOK_NSLICE; i++) {
		struct xok_env *e = f->x->slice[i] ? env_by_id(f->x, f->x->slice[i]) : NULL;

		if (f->x->slice[i] && (!e || !env_live(e)))
			return "an ended environment has a slice";
	}
	if (f->x->current && !env_live(f->x->current))
		return "an ended environment runs";
	return NULL;
}

const char *books(struct fake *f)
{
	struct tally t = {
		.refs = calloc(f->nframe, sizeof(uint32_t)),
		.pt = calloc(f->nframe, 1),
		.pinned = calloc(f->nframe, 1),
		.kernel = calloc(f->nframe, 1),
		.table = calloc(f->nframe, 1),
		.ring = calloc(f->nframe, 1),
	};
	const char *bad;

	count_spaces(f, &t);
	for (uint32_t i = 0; i < XOK_NENV; i++)
		if (alive(f, i))
			count_env(f, &t, i);
	bad = count_tables(f, &t);
	if (!bad)
		bad = count_progs(f, &t);
	if (!bad)
		bad = check_frames(f, &t);
	if (!bad)
		bad = check_envs(f, &t);
	if (!bad)
		bad = check_filters(f);
	if (!bad)
		bad = check_slices(f);
	free(t.refs);
	free(t.pt);
	free(t.pinned);
	free(t.kernel);
	free(t.table);
	free(t.ring);
	return bad;
}
