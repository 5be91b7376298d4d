/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edge.c - a node in a Linux process: root domain and capsule domain side by side. Only here does node code read files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodeos/edge.h"
#include "nodeos/ee.h"
#include "nodeos/root/root.h"

#define FILE_MAX (1u << 20)
#define MODULE_FILE_MAX 65536u
#define ERRORS 20u

struct edge {
	struct root root;
	struct ee *ee;
};

/* The whole file, or NULL with errno. */
static uint8_t *read_file(const char *path, size_t max, size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *buf = f ? malloc(max + 1) : NULL;

	if (!buf) {
		if (f)
			fclose(f);
		return NULL;
	}
	errno = 0;
	*len = fread(buf, 1, max + 1, f);
	if (ferror(f) || *len > max) {
		if (!errno)
			errno = EFBIG;
		free(buf);
		buf = NULL;
	}
	fclose(f);
	return buf;
}

static bool load(void *arg, const char *path, struct config_module *out, char err[CONFIG_ERROR])
{
	(void)arg;
	out->bytes = read_file(path, MODULE_FILE_MAX, &out->len);
	if (!out->bytes)
		snprintf(err, CONFIG_ERROR, "%.120s cannot be read: %s", path, strerror(errno));
	return out->bytes != NULL;
}

static bool add_module(void *arg, struct config_module *m, char err[CONFIG_ERROR])
{
	struct edge *e = arg;

	return ee_module_add(e->ee, m->bytes, m->len, err);
}

static bool inject(void *arg, const uint8_t *packet, size_t len, char err[CONFIG_ERROR])
{
	struct edge *e = arg;

	return ee_inject(e->ee, packet, len, err);
}

static void notify(void *arg)
{
	(void)arg;
	amp_post(EE_EV_WORK);
}

static void complain(const char *path, const struct config_error *e)
{
	if (e->column)
		fprintf(stderr, "%s:%u:%u: %s\n", path, e->line, e->column, e->text);
	else
		fprintf(stderr, "%s:%u: %s\n", path, e->line, e->text);
}

static bool configure(struct edge *e, const char *name, const char *path)
{
	struct config_error err[ERRORS];
	char why[CONFIG_ERROR];
	size_t len;
	uint8_t *text = read_file(path, FILE_MAX, &len);
	unsigned n;

	if (!text) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	e->root.draft.role = NODE_HOST;
	snprintf(e->root.draft.name, sizeof(e->root.draft.name), "%s", name);
	n = root_read(&e->root, (const char *)text, len, err, ERRORS);
	free(text);
	for (unsigned i = 0; i < n && i < ERRORS; i++)
		complain(path, &err[i]);
	if (n) {
		fprintf(stderr, "%s: %u error%s; nothing of it is in force\n", path, n,
			n == 1 ? "" : "s");
		config_drop_modules(&e->root.draft);
		return false;
	}
	if (!root_apply(&e->root, why)) {
		fprintf(stderr, "%s: %s\n", path, why);
		return false;
	}
	return true;
}

int nodeos_edge_run(const char *name, const char *conf_path)
{
	struct node_pub *pub = amp_share_alloc(sizeof(*pub));
	struct ee_shared *shared = amp_share_alloc(sizeof(*shared));
	static struct edge edge; /* one a process, as its lwIP is */
	struct edge *e = &edge;
	const struct root_host host = {
		.load = load, .module = add_module, .inject = inject, .arg = e};
	const struct ee_host ee_host = {.notify = notify};
	const struct domain_spec domain = {
		.name = "capsule",
		.cap = {.valid = 1, .perms = XOK_R | XOK_W | XOK_N, .len = 1, .name = {1}},
	};
	int rc = XOK_ENOMEM, status = 1;

	if (!pub || !shared)
		goto out;
	rc = root_init(&e->root, pub, shared, &host);
	if (rc < 0)
		goto out;
	e->ee = ee_create(pub, shared, &ee_host, &rc);
	if (!e->ee)
		goto out;
	if (configure(e, name, conf_path) && domain_create(&e->root.domains, &domain, &rc))
		status = amp_run();
out:
	if (rc < 0)
		fprintf(stderr, "%s: the node cannot start: %s\n", name, amp_strerror(rc));
	return status;
}
