/* SPDX-License-Identifier: BSD-2-Clause */
/* host.c - `amp host-node`: the first process in the namespaces of a host, or of a router with mirrors. People do not start it. */
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "nodeos/lib/text.h"
#include "rtnl.h"
#include "text.h"
#include "topology.h"

#define CONF_MAX (1u << 20)
#define MIRROR_MS 20 /* between looks for the mirrors */

struct host {
	const char *name, *conf, *state;
	uint8_t mac[TOPO_PORTS][6];
	uint32_t nport;
	uint32_t nmirror; /* of a router: ports with mirrors */
	char **command;	  /* NULL: a host */
};

/* ---- the lifeline ---- */

union rights {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

int host_send(int lifeline, uint8_t port, int tap)
{
	union rights c = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec v = {&port, 1};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};

	memcpy(CMSG_DATA(&c.head), &tap, sizeof(tap));
	return sendmsg(lifeline, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

ssize_t host_receive(int lifeline, uint8_t *port, int *tap)
{
	union rights c;
	struct iovec v = {port, 1};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
	ssize_t n = recvmsg(lifeline, &m, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *h = n == 1 ? CMSG_FIRSTHDR(&m) : NULL;

	if (n <= 0)
		return n;
	if (!h || h->cmsg_type != SCM_RIGHTS || h->cmsg_len != CMSG_LEN(sizeof(int))) {
		errno = EPROTO;
		return -1;
	}
	memcpy(tap, CMSG_DATA(h), sizeof(*tap));
	return 1;
}

/* ---- a place for programs ---- */

__attribute__((format(printf, 1, 2))) static bool failed(const char *fmt, ...)
{
	char why[128];
	va_list ap;

	snprintf(why, sizeof(why), "%s", strerror(errno));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", why);
	return false;
}

/* Every directory above `path` and itself; what exists stays. */
static void make_dirs(const char *path)
{
	char buf[PATH_MAX];

	if (!text_path(buf, sizeof(buf), "%s/", path))
		return;
	for (char *p = buf + 1; *p; p++)
		if (*p == '/') {
			*p = 0;
			mkdir(buf, 0755);
			*p = '/';
		}
}

/*
 * /run is where programs keep sockets and pids under fixed names: each node has its own, so that two of them can run the same daemon. The
 * testbed's own directory may lie in there and stays where it is.
 */
static bool own_run(const struct host *h)
{
	char self[64];
	int state = open(h->state, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (state < 0 || mount("amp", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64m"))
		return failed("cannot make a /run of its own");
	if (!strncmp(h->state, "/run/", 5)) {
		make_dirs(h->state);
		snprintf(self, sizeof(self), "/proc/self/fd/%d", state);
		if (mount(self, h->state, NULL, MS_BIND, NULL))
			return failed("cannot keep %s", h->state);
	}
	close(state);
	return true;
}

/* /proc and /sys show these namespaces; /etc/hosts knows the testbed's nodes by their names. */
static bool own_files(const struct host *h)
{
	char hosts[PATH_MAX];

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return failed("cannot make mounts private");
	if (!own_run(h))
		return false;
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return failed("cannot mount a /proc of its own");
	if (mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		fprintf(stderr, "/sys stays the machine's: %s\n", strerror(errno));
	if (text_path(hosts, sizeof(hosts), "%s/hosts", h->state) &&
	    mount(hosts, "/etc/hosts", NULL, MS_BIND, NULL))
		fprintf(stderr, "/etc/hosts stays the machine's: %s\n", strerror(errno));
	return sethostname(h->name, strlen(h->name)) == 0 || failed("cannot set the host name");
}

/* ---- the network ---- */

/* A new network namespace may have taken these over from the machine's first one. */
static void settings(void)
{
	static const char *const set[][2] = {{"ipv4/ip_forward", "0"},
					     {"ipv4/conf/all/rp_filter", "0"},
					     {"ipv4/conf/default/rp_filter", "0"},
					     {"ipv6/conf/all/disable_ipv6", "0"},
					     {"ipv6/conf/default/disable_ipv6", "0"},
					     {"ipv6/conf/default/accept_dad", "0"},
					     {"ipv6/conf/default/accept_ra", "0"},
					     {"ipv4/ping_group_range", "0 2147483647"}};

	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), "/proc/sys/net/%s", set[i][0]);
		FILE *f = fopen(path, "we");
		if (f) { /* what a kernel does not have needs no setting */
			fputs(set[i][1], f);
			fclose(f);
		}
	}
}

static bool make_ports(const struct host *h)
{
	char ifname[16];

	for (uint32_t i = 0; i < h->nport; i++) {
		snprintf(ifname, sizeof(ifname), HOST_PORT "%u", i);
		int tap = tap_open(ifname, h->mac[i]);

		if (tap < 0)
			return failed("cannot make the TAP %s", ifname);
		if (host_send(HOST_LIFELINE, (uint8_t)i, tap))
			return failed("cannot hand over the TAP %s", ifname);
		close(tap);
	}
	return true;
}

/* "10.0.0.1/24" or "fd00::1/64" or without a length; the family, or 0. */
static int read_prefix(char *text, uint8_t addr[16], uint32_t *plen)
{
	char *slash = strchr(text, '/');
	uint64_t len = 0;
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (slash) {
		*slash = 0;
		if (parse_u64(slash + 1, &len) || len > 128)
			return 0;
	}
	*plen = (uint32_t)len;
	return inet_pton(family, text, addr) == 1 ? family : 0;
}

/*
 * `port N address A/LEN`, `port N mtu M`, `route PREFIX via GATEWAY`: of the node's configuration what a host needs. Port N is the interface
 * with this prefix and the number.
 */
static int configure_line(struct rtnl *r, const struct words *w, const char *prefix, bool routes)
{
	uint8_t addr[16], gateway[16];
	char ifname[16];
	uint32_t plen, none;
	uint64_t mtu;

	if (w->n == 4 && !strcmp(w->w[0], "port") && !routes) {
		snprintf(ifname, sizeof(ifname), "%s%.10s", prefix, w->w[1]);
		if (!strcmp(w->w[2], "mtu"))
			return parse_u64(w->w[3], &mtu) ? -1 : link_mtu(ifname, (uint32_t)mtu);
		if (strcmp(w->w[2], "address"))
			return 0;
		int family = read_prefix(w->w[3], addr, &plen);
		return family ? rtnl_address(r, family, ifname, addr, plen) : -1;
	}
	if (w->n == 4 && !strcmp(w->w[0], "route") && routes) {
		int family = read_prefix(w->w[1], addr, &plen);

		errno = EINVAL;
		return family && read_prefix(w->w[3], gateway, &none) == family
			       ? rtnl_route(r, family, addr, plen, gateway)
			       : -1;
	}
	return 0;
}

/* Addresses before interfaces are up, routes after: a gateway must be on a network by then. */
static bool configure(const struct host *h, struct rtnl *r, const char *prefix, bool routes)
{
	size_t len;
	char *text = text_file(h->conf, CONF_MAX, &len);
	bool good = text != NULL;

	for (char *save, *line = text ? strtok_r(text, "\n", &save) : NULL; line && good;
	     line = strtok_r(NULL, "\n", &save)) {
		struct words w;
		char shown[128];

		snprintf(shown, sizeof(shown), "%s", line);
		if (!text_split(line, &w) || configure_line(r, &w, prefix, routes))
			good = failed("%s: '%s'", h->conf, shown);
	}
	free(text);
	return good || failed("cannot configure %s", h->name);
}

static bool make_network(const struct host *h)
{
	char ifname[16];
	struct rtnl r;

	settings();
	if (link_up("lo"))
		return failed("cannot bring the loopback interface up");
	if (h->command)
		return true;
	if (!make_ports(h) || rtnl_open(&r))
		return false;
	bool good = configure(h, &r, HOST_PORT, false);
	for (uint32_t i = 0; i < h->nport && good; i++) {
		snprintf(ifname, sizeof(ifname), HOST_PORT "%u", i);
		good = link_up(ifname) == 0 || failed("cannot bring %s up", ifname);
	}
	good = good && configure(h, &r, HOST_PORT, true);
	rtnl_close(&r);
	return good;
}

/* ---- the life of the first process ---- */

/* The router's own process; ours ends with it, and with the same status. */
static pid_t start(char **command)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(HOST_LIFELINE);
	execv(command[0], command);
	fprintf(stderr, "cannot run %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

/*
 * The mirrors of a router's ports get the addresses that the node has there, so that programs beside it can use them at once. They appear when
 * xokd has made them. False: not yet.
 */
static bool address_mirrors(const struct host *h)
{
	char ifname[32];
	struct rtnl r;

	for (uint32_t i = 0; i < h->nmirror; i++) {
		snprintf(ifname, sizeof(ifname), "/sys/class/net/" HOST_MIRROR "%u", i);
		if (access(ifname, F_OK))
			return false;
	}
	if (rtnl_open(&r))
		return false;
	configure(h, &r, HOST_MIRROR, false);
	rtnl_close(&r);
	return true;
}

/* Orphans of the namespace become our children. True when `router` has ended. */
static bool reap(pid_t router, int *status)
{
	bool over = false;

	for (pid_t pid; (pid = waitpid(-1, status, WNOHANG)) > 0;)
		if (pid == router) {
			over = true;
			break;
		}
	return over;
}

static int wait_for_the_end(const struct host *h, int signals, pid_t router)
{
	struct pollfd p[2] = {{.fd = signals, .events = POLLIN},
			      {.fd = HOST_LIFELINE, .events = POLLIN}};
	bool addressed = !h->nmirror;
	struct signalfd_siginfo info;
	int status = 0;

	for (;;) {
		int n = poll(p, 2, addressed ? -1 : MIRROR_MS);

		if (p[1].revents)
			return 0;
		addressed = addressed || address_mirrors(h);
		if (n <= 0 || read(signals, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_signo == SIGCHLD) {
			if (reap(router, &status))
				return WIFEXITED(status) ? WEXITSTATUS(status)
							 : 128 + WTERMSIG(status);
		} else if (router > 0) {
			kill(router, SIGTERM);
		} else {
			return 0;
		}
	}
}

static const struct option options[] = {
	{"name", required_argument, NULL, 'n'},	   {"conf", required_argument, NULL, 'c'},
	{"state", required_argument, NULL, 's'},   {"port", required_argument, NULL, 'p'},
	{"mirrors", required_argument, NULL, 'm'}, {NULL, 0, NULL, 0}};

static bool read_options(struct host *h, int argc, char **argv)
{
	for (int c; (c = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
		switch (c) {
		case 'n': h->name = optarg; break;
		case 'c': h->conf = optarg; break;
		case 's': h->state = optarg; break;
		case 'm': h->nmirror = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'p':
			if (h->nport == TOPO_PORTS || !text_mac(optarg, h->mac[h->nport++]))
				return false;
			break;
		default: return false;
		}
	}
	h->command = optind < argc ? argv + optind : NULL;
	return h->name && h->conf && h->state;
}

int cmd_host_node(int argc, char **argv)
{
	struct host h = {0};
	sigset_t set;

	if (!read_options(&h, argc, argv))
		return cmd_misuse("host-node", "see amp testbed");
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0 || fcntl(HOST_LIFELINE, F_SETFD, FD_CLOEXEC))
		return failed("cannot wait for signals"), AMP_FAILED;
	if (!own_files(&h) || !make_network(&h))
		return AMP_FAILED;
	pid_t router = h.command ? start(h.command) : 0;
	if (router < 0)
		return failed("cannot start %s", h.command[0]), AMP_FAILED;
	if (!h.command)
		dprintf(HOST_CONTROL, "* {\"event\":\"ready\",\"node\":\"%s\"}\n", h.name);
	return wait_for_the_end(&h, signals, router);
}
