/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spawn.c - children: a program of xokd's directory in an environment of its own, with its own capability and quota; memory that is shared with them;
 * boot files; the host's routing.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libamp/linux/linux.h"

#define SHARE_SIZE (1ull << 30)

/* ---- memory ---- */

/* What amp_share_alloc made: xokd knows it by its number. */
static struct {
	void *at; /* NULL: none */
	size_t len;
} made[XL_SHARES];

void *amp_share_alloc(size_t len)
{
	const uint64_t arg[3] = {len};
	int fd;
	int64_t number = machine_call(XL_SHARE, arg, NULL, &fd);

	if (number < 0 || number >= XL_SHARES)
		return NULL;
	len = (len + XOK_PAGE - 1) & ~(size_t)(XOK_PAGE - 1);
	made[number].at = map_fd(fd, NULL, len, true);
	made[number].len = len;
	return made[number].at;
}

/* What our parent shares with us, where it wants it. */
void shares_take(const struct xl_hello *h, const int *fd)
{
	for (uint32_t i = 0; i < h->nshare; i++) {
		void *at = (void *)(uintptr_t)h->share[i].at;

		if (!map_fd(fd[i], at, h->share[i].len, h->share[i].write))
			_exit(127); /* its program relies on it */
	}
}

static int64_t number_of(const void *at, size_t len)
{
	for (uint32_t i = 0; i < XL_SHARES; i++)
		if (made[i].at && made[i].at == at && len <= made[i].len)
			return i;
	return XOK_EINVAL;
}

/* ---- boot files ---- */

static struct boot_file {
	char name[XL_NAME];
	const void *at; /* NULL: free */
	size_t len;
} files[16];

static const struct boot_file *fetch(struct boot_file *f, const char *name)
{
	const uint64_t arg[3] = {(uintptr_t)name, strlen(name)};
	const struct memory m = {name, strlen(name), XL_READ};
	int fd;
	int64_t len = machine_call(XL_BOOT, arg, &m, &fd);

	if (len < 0)
		return NULL;
	f->at = len ? map_fd(fd, NULL, (size_t)len, false) : "";
	if (!f->at)
		return NULL;
	f->len = (size_t)len;
	strcpy(f->name, name);
	return f;
}

const void *amp_boot_file(const char *name, size_t *len)
{
	struct boot_file *free_one = NULL;
	const struct boot_file *f = NULL;

	*len = 0;
	if (strlen(name) >= XL_NAME)
		return NULL;
	for (uint32_t i = 0; i < 16 && !f; i++) {
		if (!files[i].at)
			free_one = &files[i];
		else if (!strcmp(files[i].name, name))
			f = &files[i];
	}
	if (!f && free_one)
		f = fetch(free_one, name);
	if (!f)
		return NULL;
	*len = f->len;
	return f->at;
}

int amp_boot_forget(const char *name)
{
	for (uint32_t i = 0; i < 16; i++) {
		struct boot_file *f = &files[i];

		if (!f->at || strcmp(f->name, name) != 0)
			continue;
		if (f->len)
			munmap((void *)(uintptr_t)f->at, f->len);
		*f = (struct boot_file){0};
	}
	return XOK_OK;
}

int amp_netlink(uint32_t groups)
{
	const uint64_t arg[3] = {groups};
	int fd;
	int64_t err = machine_call(XL_NETLINK, arg, NULL, &fd);

	return err < 0 ? (int)err : fd;
}

/* ---- what the child may ---- */

static int64_t empty_slot(void)
{
	for (uint32_t i = 0; i < XOK_NCAP; i++)
		if (!info_self()->cap[i].valid)
			return i;
	return XOK_EQUOTA;
}

/* Slot 0 of the child, and its power over itself. */
static int64_t give_authority(uint32_t child, const struct xok_cap *cap)
{
	int64_t slot = empty_slot(), err;

	if (slot < 0)
		return slot;
	err = xok_cap_forge(CAP, (uint32_t)slot, cap);
	if (err < 0)
		return err;
	err = xok_cap_give(CAP, child, (uint32_t)slot, CAP);
	xok_cap_drop((uint32_t)slot);
	return err < 0 ? err : xok_acl_set(CAP, XOK_RES_ENV, child, 1, cap);
}

/* Our access list's entry that lets `cap` notify us, or an unused one. */
static int64_t notify_entry(const struct xok_cap *entry)
{
	const struct xok_cap *acl = info_self()->acl;

	for (uint32_t i = 1; i < XOK_NACL; i++)
		if (memcmp(&acl[i], entry, sizeof(*entry)) == 0)
			return i;
	for (uint32_t i = 1; i < XOK_NACL; i++)
		if (!acl[i].valid)
			return i;
	return XOK_EQUOTA;
}

static int64_t allow_notify(const struct xok_cap *cap)
{
	struct xok_cap entry = *cap;
	int64_t index;

	entry.perms = XOK_N;
	index = notify_entry(&entry);
	return index < 0 ? index : xok_acl_set(CAP, XOK_RES_ENV, 0, (uint32_t)index, &entry);
}

/* ---- spawn ---- */

static int64_t put_shares(struct xl_exec *x, const struct amp_spawn *s)
{
	if (s->nshare > XL_SHARES)
		return XOK_EINVAL;
	for (uint32_t i = 0; i < s->nshare; i++) {
		const struct amp_share *p = &s->share[i];
		int64_t number = number_of(p->addr, p->len);

		if (number < 0 || p->len == 0 || p->at % XOK_PAGE != 0 || p->at < AMP_SHARE_VA ||
		    p->at - AMP_SHARE_VA >= SHARE_SIZE ||
		    p->len > SHARE_SIZE - (p->at - AMP_SHARE_VA))
			return XOK_EINVAL;
		x->share[i].at = p->at;
		x->share[i].share = (uint32_t)number;
		x->share[i].write = p->write;
	}
	x->nshare = s->nshare;
	return XOK_OK;
}

static int64_t put_program(struct xl_exec *x, const struct amp_spawn *s)
{
	if (s->argv[0] == NULL || strlen(s->file) >= sizeof(x->program))
		return XOK_EINVAL;
	strcpy(x->program, s->file);
	for (; s->argv[x->argc] != NULL; x->argc++) {
		size_t len = strlen(s->argv[x->argc]) + 1;

		if (x->argc == XL_ARGS || len > sizeof(x->arg) - x->arg_bytes)
			return XOK_EINVAL;
		memcpy(x->arg + x->arg_bytes, s->argv[x->argc], len);
		x->arg_bytes += (uint32_t)len;
	}
	return XOK_OK;
}

static int64_t build(uint32_t child, const struct amp_spawn *s, const struct xl_exec *x)
{
	const uint64_t arg[3] = {CAP, child, (uintptr_t)x};
	const struct memory m = {x, sizeof(*x), XL_READ};
	int64_t err = give_authority(child, &s->cap);

	if (err >= 0 && s->strict)
		err = xok_env_strict(CAP, child);
	/* What ending the child does not take back; a second child with this capability finds it made. */
	if (err >= 0 && s->may_notify_us)
		err = allow_notify(&s->cap);
	return err < 0 ? err : machine_call(XL_EXEC, arg, &m, NULL);
}

int64_t amp_spawn(const struct amp_spawn *s)
{
	static struct xl_exec x;
	int64_t child, err;

	memset(&x, 0, sizeof(x));
	err = put_program(&x, s);
	if (err == XOK_OK)
		err = put_shares(&x, s);
	if (err < 0)
		return err;
	child = xok_env_alloc(CAP, s->frames, s->argv[0], (uint32_t)strnlen(s->argv[0], 15));
	if (child < 0)
		return child;
	err = build((uint32_t)child, s, &x);
	if (err >= 0)
		return child;
	xok_env_destroy(CAP, (uint32_t)child);
	xok_env_destroy(CAP, (uint32_t)child); /* its entry */
	return err;
}

int amp_env_destroy(uint32_t id)
{
	return (int)xok_env_destroy(CAP, id);
}

int amp_env_notify(uint32_t id, uint32_t bits)
{
	return (int)xok_env_notify(CAP, id, bits);
}

int amp_grant(uint32_t resource, uint32_t id, uint32_t index, const struct xok_cap *entry)
{
	return (int)xok_acl_set(CAP, resource, id, index, entry);
}
