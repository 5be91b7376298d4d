/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - the program "init" on machine pc: the root domain in the root environment, and the capsule domain that it
 * starts in an environment of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "nodeos/forward/modules.h"
#include "nodeos/root/root.h"

#define CAPSULE_FRAMES 3072u /* 12 MiB: module cache, waiting capsules, ring, program */
#define TEST_FRAMES 1024u
#define ERRORS 20u

static struct root root;
static size_t pub_bytes; /* of the published tables */

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

	share[0] = (struct amp_share){.addr = r->pub, .at = EE_NODE_VA, .len = pub_bytes};
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

static void complain(struct root *r, const struct config_error *e)
{
	char text[CONFIG_ERROR + 40];
	int n = e->column ? snprintf(text, sizeof(text), "node.conf:%u:%u: %s", e->line, e->column,
				     e->text)
			  : snprintf(text, sizeof(text), "node.conf:%u: %s", e->line, e->text);

	root_log(r, "root", text, (size_t)n);
}

static const char *read_again(void *arg, size_t *len)
{
	(void)arg;
	return amp_boot_forget("node.conf") < 0 ? NULL : amp_boot_file("node.conf", len);
}

/* With an error in the file the node stays up, unconfigured, so that people can read why and type commands. */
static void configure(struct root *r)
{
	static struct config_error err[ERRORS];
	size_t len = 0;
	const char *text = amp_boot_file("node.conf", &len);
	unsigned n = 1;

	if (text)
		n = root_read(r, text, len, err, ERRORS);
	else
		snprintf(err[0].text, CONFIG_ERROR, "there is no such file in the boot archive");
	for (unsigned i = 0; i < n && i < ERRORS; i++)
		complain(r, &err[i]);
	err[0] = (struct config_error){0};
	if (!n && !root_apply(r, err[0].text))
		complain(r, &err[0]);
}

/* ---- the host's own stack, where there is one ---- */

static long receive(int fd, void *buf, size_t cap)
{
	ssize_t n = recv(fd, buf, cap, MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

static long send_request(int fd, const void *buf, size_t len)
{
	ssize_t n = send(fd, buf, len, MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

static void on_netlink(void *arg, int fd)
{
	struct root *r = arg;

	(void)fd;
	follow_work(&r->follow);
}

/* After the configuration: its VLANs must be there. */
static void follow_host(struct root *r)
{
	int fd = amp_netlink(NETLINK_GROUPS), rc;

	if (fd < 0)
		return;
	follow_init(&r->follow, r, fd, receive, send_request);
	rc = amp_watch(fd, on_netlink, r);
	if (rc < 0)
		amp_log("the host's routes are not followed: %s", amp_strerror(rc));
}

/* Tables are as large as the configuration says before it is read: `routes N`. */
static struct node_pub *make_pub(uint32_t *routes)
{
	size_t len = 0;
	const char *text = amp_boot_file("node.conf", &len);

	*routes = text ? config_routes(text, len) : 0;
	pub_bytes = node_size(*routes ? *routes : NODE_ROUTES);
	if (!pub_bytes) { /* the configuration's error says so */
		*routes = 0;
		pub_bytes = node_size(NODE_ROUTES);
	}
	return amp_share_alloc(pub_bytes);
}

#define MODULE(name)                                                       \
	{                                                                  \
		name##_module, (size_t)(name##_module_end - name##_module) \
	}

int main(void)
{
	struct root_host host = {
		.run = run_test,
		.conf = read_again,
		.forward = {[FORWARD_PLAIN4] = MODULE(forward4),
			    [FORWARD_PLAIN6] = MODULE(forward6),
			    [FORWARD_TAGGED4] = MODULE(forward4_tagged),
			    [FORWARD_TAGGED6] = MODULE(forward6_tagged),
			    [FORWARD_TO_TWIN] = MODULE(mirror)},
		.arg = &root,
	};
	struct node_pub *pub = make_pub(&host.routes);
	struct ee_shared *shared = amp_share_alloc(sizeof(*shared));
	int rc;

	if (!pub || !shared)
		amp_fatal("no memory for the published tables");
	rc = root_init(&root, pub, shared, &host);
	if (rc < 0)
		amp_fatal("the root domain cannot start: %s", amp_strerror(rc));
	start_capsules(&root, shared);
	configure(&root);
	follow_host(&root);
	forward_release(&root.forward);
	return amp_run();
}
