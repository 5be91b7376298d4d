/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - the program "init" on machine pc: the root domain in the root environment, and the capsule domain that it
 * starts in an environment of its own.
 */
#include <stdio.h>
#include <string.h>

#include "nodeos/forward/modules.h"
#include "nodeos/root/root.h"

#define CAPSULE_FRAMES 3072u /* 12 MiB: module cache, waiting capsules, ring, program */
#define TEST_FRAMES 1024u
#define ERRORS 20u

static struct root root;

/*
 * Names {1} and {2}: what the root gives to one it can take back without touching the other. Control lets them give
 * their own frames back; over ports and consoles the access lists below do not grant it.
 */
static const struct xok_cap capsule_cap = {
	.valid = 1, .perms = XOK_PERM_ALL, .len = 1, .name = {1}};
static const struct xok_cap test_cap = {.valid = 1, .perms = XOK_PERM_ALL, .len = 1, .name = {2}};

static void prepare(void *arg)
{
	struct root *r = arg;

	ee_link_reset(&r->ee);
}

/* The ports' second access entry: the capsule domain may receive and send there, and no more. */
static void open_ports(struct root *r)
{
	const struct xok_cap entry = {.valid = 1, .perms = XOK_R | XOK_W, .len = 1, .name = {1}};

	for (uint32_t i = 0; i < r->pub->nport; i++) {
		int rc = amp_grant(XOK_RES_PORT, i, 1, &entry);

		if (rc < 0)
			amp_fatal("port %u: %s", i, amp_strerror(rc));
	}
}

/* What it logs, and its report when it faults, come to people directly: it may write to their console and not read it. */
static void open_console(void)
{
	const struct xok_cap entry = {.valid = 1, .perms = XOK_W, .len = 1, .name = {1}};
	int rc = amp_grant(XOK_RES_CONS, CONTROL_PEOPLE, 1, &entry);

	if (rc < 0)
		amp_fatal("console %u: %s", CONTROL_PEOPLE, amp_strerror(rc));
}

static void start_capsules(struct root *r, struct ee_shared *shared)
{
	/* Static: the specification points to it, and the domain may be restarted. */
	static struct amp_share share[2];
	const struct domain_spec spec = {
		.name = "capsule",
		.file = "ee",
		.cap = capsule_cap,
		.frames = CAPSULE_FRAMES,
		.share = share,
		.nshare = 2,
		.may_notify_us = true,
		.restart = true,
		.prepare = prepare,
		.arg = r,
	};
	int rc;

	share[0] = (struct amp_share){.addr = r->pub, .at = EE_NODE_VA, .len = sizeof(*r->pub)};
	share[1] = (struct amp_share){
		.addr = shared, .at = EE_SHARED_VA, .len = sizeof(*shared), .write = true};
	open_ports(r);
	open_console();
	if (!domain_create(&r->domains, &spec, &rc))
		amp_log("the capsule domain cannot start: %s", amp_strerror(rc));
}

static bool run_test(void *arg, const char *name, char err[CONFIG_ERROR])
{
	const struct domain_spec spec = {
		.name = name, .file = name, .cap = test_cap, .frames = TEST_FRAMES};
	struct root *r = arg;
	size_t len;
	int rc;

	if (!amp_boot_file(name, &len)) {
		snprintf(err, CONFIG_ERROR, "this image has no environment \"%.40s\"", name);
		return false;
	}
	if (!domain_create(&r->domains, &spec, &rc)) {
		snprintf(err, CONFIG_ERROR, "it cannot start: %s", amp_strerror(rc));
		return false;
	}
	return true;
}

static void complain(struct root *r, unsigned line, const char *why)
{
	char text[CONFIG_ERROR + 32];
	int n = snprintf(text, sizeof(text), "node.conf:%u: %s", line, why);

	root_log(r, "root", text, (size_t)n);
}

/* With an error in the file the node stays up, unconfigured, so that people can read why and type commands. */
static void configure(struct root *r)
{
	static struct config_error err[ERRORS];
	char why[CONFIG_ERROR];
	size_t len = 0;
	const char *text = amp_boot_file("node.conf", &len);
	unsigned n = 1;

	if (text)
		n = root_read(r, text, len, err, ERRORS);
	else
		snprintf(err[0].text, CONFIG_ERROR, "there is no such file in the boot archive");
	for (unsigned i = 0; i < n && i < ERRORS; i++)
		complain(r, err[i].line, err[i].text);
	if (!n && !root_apply(r, why))
		complain(r, 0, why);
}

int main(void)
{
	struct node_pub *pub = amp_share_alloc(sizeof(*pub));
	struct ee_shared *shared = amp_share_alloc(sizeof(*shared));
	const struct root_host host = {
		.run = run_test,
		.forward = {[FORWARD_IP4] = {forward4_module,
					     (size_t)(forward4_module_end - forward4_module)},
			    [FORWARD_IP6] = {forward6_module,
					     (size_t)(forward6_module_end - forward6_module)}},
		.arg = &root,
	};
	int rc;

	if (!pub || !shared)
		amp_fatal("no memory for the published tables");
	rc = root_init(&root, pub, shared, &host);
	if (rc < 0)
		amp_fatal("the root domain cannot start: %s", amp_strerror(rc));
	start_capsules(&root, shared);
	configure(&root);
	return amp_run();
}
