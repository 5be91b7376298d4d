/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm.c - the heap's pages. One word for each page says whether it is taken, how it may be accessed,
 * and which frame is behind it, if any: frames come when a page is first touched, a few at a time.
 * The words themselves stand in pages that are there only where something is taken near by.
 *
 * Policy: a page that is handed out is promised, and promises never exceed the quota; so malloc
 * says no instead of a fault saying it later. Nothing here may fault while it changes the words,
 * for the fault handler reads them: all its memory is in .bss, which is there from the start, or
 * has been made sure of first.
 */
#include "libamp/pc/pc.h"

#define TAKEN 0x80000000u
#define PROT_SHIFT 28
#define PROT(word) ((word) >> PROT_SHIFT & 7u)
#define FRAME(word) ((word)&0x0fffffffu)

#define NPAGE ((PC_HEAP_HI - PC_HEAP_LO) / XOK_PAGE)
#define BRK_PAGE ((PC_BRK_HI - PC_HEAP_LO) / XOK_PAGE)
#define WORDS_PER_PAGE (XOK_PAGE / sizeof(uint32_t))
#define NTABLE (NPAGE / WORDS_PER_PAGE)
#define FAULT_AHEAD 8u
#define BATCH 64u
/*
 * Frames kept aside for page tables that promised pages may yet need, beside one for each 2 MiB of
 * them.
 */
#define SLACK 8u

#define PAGE_TABLE ((uint32_t *)PC_TABLE_LO)

struct filler {
	uint32_t frame[BATCH];
	struct xok_call call[BATCH];
};

static bool table_there[NTABLE];
static uint64_t promised; /* taken, accessible, and without a frame so far */
static uint64_t hint = BRK_PAGE;
static uint64_t stack_lo, stack_hi;

/* A fault on the stack can come while the first is in use, so the handler has one of its own. */
static struct filler filler, fault_filler;

_Static_assert(NTABLE *XOK_PAGE <= PC_TABLE_HI - PC_TABLE_LO, "the table fits its place");

void vm_init(uint64_t stack_pointer)
{
	stack_hi = stack_pointer & ~(uint64_t)(XOK_PAGE - 1);
	stack_lo = PC_STACK_TOP - PC_STACK_MAX;
}

static uint64_t page_va(uint64_t page)
{
	return PC_HEAP_LO + page * XOK_PAGE;
}

static bool in_heap(uint64_t va, uint64_t pages)
{
	return va % XOK_PAGE == 0 && va >= PC_HEAP_LO && va < PC_HEAP_HI &&
	       pages <= (PC_HEAP_HI - va) / XOK_PAGE;
}

static uint32_t word(uint64_t page)
{
	return table_there[page / WORDS_PER_PAGE] ? PAGE_TABLE[page] : 0;
}

uint64_t vm_left(void)
{
	const struct xok_env_info *e = info_self();
	uint64_t left = e->frames_quota - e->frames;
	uint64_t need = promised + promised / 512 + SLACK;

	return left > need ? left - need : 0;
}

/*
 * Maps n <= BATCH fresh frames at va, page by page. All or none; frame[] holds them then.
 */
static int map_fresh(struct filler *f, uint64_t va, uint32_t n, uint32_t prot)
{
	int64_t err = xok_frame_alloc(PC_CAP, f->frame, n), done;

	if (err < 0)
		return (int)err;
	for (uint32_t i = 0; i < n; i++)
		f->call[i] = (struct xok_call){
			.nr = XOK_NR_map,
			.arg = {PC_CAP, PC_CAP, 0, va + i * XOK_PAGE, f->frame[i], prot},
		};
	done = xok_batch(f->call, n);
	if (done == n)
		return XOK_OK;
	err = done < 0 ? done : f->call[done].result;
	for (int64_t i = 0; i < done; i++)
		xok_map(PC_CAP, PC_CAP, 0, va + (uint64_t)i * XOK_PAGE, 0, 0);
	for (uint32_t i = 0; i < n; i++)
		xok_frame_free(PC_CAP, f->frame[i]);
	return (int)err;
}

/* Makes the words of [page, page + n) writable. */
static int table_ready(uint64_t page, uint64_t n)
{
	for (uint64_t t = page / WORDS_PER_PAGE; t <= (page + n - 1) / WORDS_PER_PAGE; t++) {
		int err;

		if (table_there[t])
			continue;
		err = map_fresh(&filler, PC_TABLE_LO + t * XOK_PAGE, 1, XOK_PROT_R | XOK_PROT_W);
		if (err != XOK_OK)
			return err;
		table_there[t] = true;
	}
	return XOK_OK;
}

/* Gives the page's frame back, if it has one, and sets its word. */
static void set_word(uint64_t page, uint32_t value)
{
	uint32_t old = word(page);

	if (FRAME(old) != 0) {
		/* An inaccessible page keeps its frame without a mapping. */
		xok_map(PC_CAP, PC_CAP, 0, page_va(page), 0, 0);
		xok_frame_free(PC_CAP, FRAME(old));
	} else if (PROT(old) != 0) {
		promised--;
	}
	if (old != value)
		PAGE_TABLE[page] = value;
}

static void mark(uint64_t page, uint64_t n, uint32_t prot)
{
	for (uint64_t i = page; i < page + n; i++)
		set_word(i, TAKEN | prot << PROT_SHIFT);
	if (prot != 0)
		promised += n;
}

/* Writable implies readable, as the kernel wants it. */
static uint32_t canonical(uint32_t prot)
{
	return prot != 0 ? prot | XOK_PROT_R : 0;
}

int vm_take_at(uint64_t va, uint64_t pages, uint32_t prot)
{
	uint64_t page = (va - PC_HEAP_LO) / XOK_PAGE;
	int err;

	prot = canonical(prot);
	if (pages == 0 || !in_heap(va, pages) || ((prot & XOK_PROT_W) && (prot & XOK_PROT_X)))
		return XOK_EINVAL;
	if (prot != 0 && pages > vm_left())
		return XOK_EQUOTA;
	err = table_ready(page, pages);
	if (err != XOK_OK)
		return err;
	mark(page, pages, prot);
	return XOK_OK;
}

/* The first page of a free run between `from` and the heap's end, NPAGE: none. */
static uint64_t find_run(uint64_t from, uint64_t pages)
{
	uint64_t start = from;

	for (uint64_t i = from; i < NPAGE; i++) {
		if (word(i) & TAKEN)
			start = i + 1;
		else if (i + 1 - start == pages)
			return start;
	}
	return NPAGE;
}

uint64_t vm_take(uint64_t pages, uint32_t prot)
{
	uint64_t page;

	if (pages == 0 || pages > NPAGE)
		return 0;
	page = find_run(hint, pages);
	if (page == NPAGE)
		page = find_run(BRK_PAGE, pages);
	if (page == NPAGE || vm_take_at(page_va(page), pages, prot) != XOK_OK)
		return 0;
	hint = page + pages;
	return page_va(page);
}

void vm_release(uint64_t va, uint64_t pages)
{
	uint64_t page = (va - PC_HEAP_LO) / XOK_PAGE;

	if (!in_heap(va, pages))
		return;
	for (uint64_t i = page; i < page + pages; i++)
		set_word(i, 0);
	if (page < hint && page >= BRK_PAGE)
		hint = page;
}

/* Changes one page's access; its frame, if it has one, stays. */
static int protect_page(uint64_t page, uint32_t prot)
{
	uint32_t old = word(page);
	int64_t err = XOK_OK;

	if (PROT(old) == prot)
		return XOK_OK;
	if (FRAME(old) != 0) {
		err = xok_map(PC_CAP, PC_CAP, 0, page_va(page), FRAME(old), prot);
	} else if (PROT(old) == 0) {
		if (vm_left() == 0)
			return XOK_EQUOTA;
		promised++;
	} else if (prot == 0) {
		promised--;
	}
	if (err == XOK_OK)
		PAGE_TABLE[page] = TAKEN | prot << PROT_SHIFT | FRAME(old);
	return (int)err;
}

int vm_protect(uint64_t va, uint64_t pages, uint32_t prot)
{
	uint64_t page = (va - PC_HEAP_LO) / XOK_PAGE;

	prot = canonical(prot);
	if (!in_heap(va, pages) || ((prot & XOK_PROT_W) && (prot & XOK_PROT_X)))
		return XOK_EINVAL;
	for (uint64_t i = page; i < page + pages; i++)
		if (!(word(i) & TAKEN))
			return XOK_ENOMEM;
	for (uint64_t i = page; i < page + pages; i++) {
		int err = protect_page(i, prot);

		if (err != XOK_OK)
			return err;
	}
	return XOK_OK;
}

/* Puts frames behind the run of pages without one that starts at `page`, at most max of them. */
static int fill(struct filler *f, uint64_t page, uint64_t max)
{
	uint32_t like = word(page), n = 0;
	int err;

	while (n < max && n < BATCH && page + n < NPAGE && word(page + n) == like)
		n++;
	err = map_fresh(f, page_va(page), n, PROT(like));
	if (err != XOK_OK && n > 1) {
		n = 1; /* short of frames: the one that is needed */
		err = map_fresh(f, page_va(page), n, PROT(like));
	}
	if (err != XOK_OK)
		return err;
	for (uint32_t i = 0; i < n; i++)
		PAGE_TABLE[page + i] = like | f->frame[i];
	promised -= n;
	return XOK_OK;
}

int vm_populate(uint64_t va, uint64_t pages)
{
	uint64_t page = (va - PC_HEAP_LO) / XOK_PAGE;

	for (uint64_t i = page; i < page + pages; i++) {
		int err = FRAME(word(i)) == 0 ? fill(&filler, i, page + pages - i) : XOK_OK;

		if (err != XOK_OK)
			return err;
	}
	return XOK_OK;
}

uint32_t vm_frame(uint64_t va)
{
	return in_heap(va, 1) ? FRAME(word((va - PC_HEAP_LO) / XOK_PAGE)) : 0;
}

bool vm_fault(uint64_t addr, bool write)
{
	uint64_t page = (addr - PC_HEAP_LO) / XOK_PAGE;

	if (addr >= stack_lo && addr < stack_hi)
		return map_fresh(&fault_filler, addr & ~(uint64_t)(XOK_PAGE - 1), 1,
				 XOK_PROT_R | XOK_PROT_W) == XOK_OK;
	if (addr < PC_HEAP_LO || addr >= PC_HEAP_HI || FRAME(word(page)) != 0)
		return false;
	if (PROT(word(page)) == 0 || (write && !(PROT(word(page)) & XOK_PROT_W)))
		return false;
	return fill(&fault_filler, page, FAULT_AHEAD) == XOK_OK;
}

/* Moves the frame behind one page to another that is taken and has none. */
static int move_page(uint64_t from, uint64_t to)
{
	uint32_t w = word(from);
	int64_t err;

	if (FRAME(w) == 0)
		return XOK_OK;
	if (PROT(w) != 0) {
		err = xok_map(PC_CAP, PC_CAP, 0, page_va(to), FRAME(w), PROT(w));
		if (err != XOK_OK)
			return (int)err;
		xok_map(PC_CAP, PC_CAP, 0, page_va(from), 0, 0);
	}
	if (PROT(word(to)) != 0)
		promised--;
	PAGE_TABLE[to] = w;
	/* The old place is a promise again until it is released. */
	PAGE_TABLE[from] = w & ~FRAME(w);
	if (PROT(w) != 0)
		promised++;
	return XOK_OK;
}

static bool run_free(uint64_t page, uint64_t pages)
{
	for (uint64_t i = page; i < page + pages; i++)
		if (i >= NPAGE || (word(i) & TAKEN))
			return false;
	return true;
}

uint64_t vm_resize(uint64_t va, uint64_t old, uint64_t pages, bool may_move)
{
	uint64_t page = (va - PC_HEAP_LO) / XOK_PAGE, to;
	uint32_t prot;

	if (old == 0 || pages == 0 || !in_heap(va, old) || !(word(page) & TAKEN))
		return 0;
	prot = PROT(word(page));
	if (pages <= old) {
		vm_release(va + pages * XOK_PAGE, old - pages);
		return va;
	}
	if (run_free(page + old, pages - old))
		return vm_take_at(va + old * XOK_PAGE, pages - old, prot) == XOK_OK ? va : 0;
	if (!may_move)
		return 0;
	to = vm_take(pages, prot);
	if (to == 0)
		return 0;
	for (uint64_t i = 0; i < old; i++) {
		if (move_page(page + i, (to - PC_HEAP_LO) / XOK_PAGE + i) == XOK_OK)
			continue;
		/* Out of page tables: what has moved moves back, into tables that are there. */
		while (i-- > 0)
			move_page((to - PC_HEAP_LO) / XOK_PAGE + i, page + i);
		vm_release(to, pages);
		return 0;
	}
	vm_release(va, old);
	return to;
}

void vm_touch(const void *p, size_t len)
{
	const volatile uint8_t *b = p;

	for (size_t i = 0; i < len; i += XOK_PAGE)
		(void)b[i];
	if (len > 0)
		(void)b[len - 1];
}

void *amp_share_alloc(size_t len)
{
	uint64_t pages = pages_of(len), va = vm_take(pages, XOK_PROT_R | XOK_PROT_W);

	if (va == 0)
		return NULL;
	if (vm_populate(va, pages) == XOK_OK)
		return (void *)va;
	vm_release(va, pages);
	return NULL;
}
