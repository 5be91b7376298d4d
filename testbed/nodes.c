/* SPDX-License-Identifier: BSD-2-Clause */
/* nodes.c - the processes of a testbed: one QEMU per xok node, one `amp edge-node` per edge. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive.h"
#include "supervisor.h"
#include "text.h"

#define STOP_NS 2000000000ull /* a node has this long to end by itself */
#define IMAGE_MAX (16u << 20)
#define FIFO_BYTES (1 << 20)

/* ---- files a node starts from ---- */

int node_conf(struct node *n, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s.conf", n->sup->opt->dir, n->conf->name);
	FILE *f = fopen(path, "we");
	if (!f)
		return -1;
	topo_write_conf(n->sup->topo, n->index, f);
	bool good = !ferror(f);
	return fclose(f) == 0 && good ? 0 : -1;
}

static int add_file(FILE *out, const char *name, const char *path)
{
	size_t len;
	char *data = text_file(path, IMAGE_MAX, &len);

	if (!data)
		return -1;
	int rc = archive_add(out, name, data, len);
	int saved = errno;
	free(data);
	errno = saved;
	return rc;
}

int node_archive(struct node *n, char path[PATH_MAX])
{
	const struct sup_options *o = n->sup->opt;
	char root[PATH_MAX], ee[PATH_MAX], conf[PATH_MAX];

	snprintf(conf, sizeof(conf), "%s/%s.conf", o->dir, n->conf->name);

	snprintf(path, PATH_MAX, "%s/%u.boot", o->dir, n->index);
	snprintf(root, sizeof(root), "%s/env/root.stripped", o->data);
	snprintf(ee, sizeof(ee), "%s/env/ee.stripped", o->data);
	FILE *f = fopen(path, "we");
	if (!f)
		return -1;
	int rc = 0;
	const char *file[][2] = {{"init", root}, {"ee", ee}, {"node.conf", conf}};

	for (int i = 0; i < 3 && !rc; i++)
		if ((rc = add_file(f, file[i][0], file[i][1])))
			sup_error(n->sup, "%s: cannot put %s into its boot archive: %s%s",
				  n->conf->name, file[i][1], strerror(errno),
				  errno == ENOENT ? "; build it with make" : "");
	if (!rc && (rc = archive_end(f)))
		sup_error(n->sup, "%s: cannot write %s: %s", n->conf->name, path, strerror(errno));
	fclose(f);
	return rc;
}

/* ---- command lines ---- */

struct command {
	char *argv[64 + TOPO_PORTS * 4];
	uint32_t argc;
};

__attribute__((format(printf, 2, 3))) static void arg(struct command *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&c->argv[c->argc], fmt, ap) < 0)
		abort();
	va_end(ap);
	c->argv[++c->argc] = NULL;
}

static void command_free(struct command *c)
{
	for (uint32_t i = 0; i < c->argc; i++)
		free(c->argv[i]);
}

static const char *mac_text(const uint8_t m[6], char buf[18])
{
	snprintf(buf, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	return buf;
}

static void qemu_command(struct node *n, const char *boot, struct command *c)
{
	const struct sup_options *o = n->sup->opt;
	char mac[18];

	arg(c, "qemu-system-x86_64");
	arg(c, "-name");
	arg(c, "%s", n->conf->name);
	arg(c, "-machine");
	arg(c, "q35,accel=%s,usb=off,vmport=off", n->sup->accel);
	arg(c, "-cpu");
	arg(c, "max");
	arg(c, "-m");
	arg(c, "%u", n->conf->memory);
	arg(c, "-smp");
	arg(c, "1");
	arg(c, "-nodefaults");
	arg(c, "-no-user-config");
	arg(c, "-display");
	arg(c, "none");
	arg(c, "-no-reboot");
	arg(c, "-kernel");
	arg(c, "%s/xok.stripped", o->data);
	arg(c, "-initrd");
	arg(c, "%s", boot);
	arg(c, "-chardev");
	arg(c, "pipe,id=people,path=%s/%u.people", o->dir, n->index);
	arg(c, "-serial");
	arg(c, "chardev:people");
	arg(c, "-chardev");
	arg(c, "pipe,id=control,path=%s/%u.control", o->dir, n->index);
	arg(c, "-serial");
	arg(c, "chardev:control");
	arg(c, "-device");
	arg(c, "isa-debug-exit,iobase=0xf4,iosize=4");
	for (uint32_t p = 0; p < n->conf->nport; p++) {
		arg(c, "-netdev");
		arg(c,
		    "dgram,id=n%u,local.type=unix,local.path=%s/n%u.%u,remote.type=unix,"
		    "remote.path=%s/r%u.%u",
		    p, o->dir, n->index, p, o->dir, n->index, p);
		arg(c, "-device");
		arg(c,
		    "virtio-net-pci,netdev=n%u,mac=%s,disable-legacy=on,romfile=,mrg_rxbuf=off,"
		    "csum=off,guest_csum=off,gso=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,"
		    "guest_ufo=off,host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off",
		    p, mac_text(n->conf->port[p].mac, mac));
	}
}

/* Its consoles are descriptors that it inherits: people as 3, control as 4. */
static void edge_command(struct node *n, const char *conf, struct command *c)
{
	const char *dir = n->sup->opt->dir;
	char mac[18];

	arg(c, "%s", n->sup->opt->self);
	arg(c, "edge-node");
	arg(c, "--name");
	arg(c, "%s", n->conf->name);
	arg(c, "--conf");
	arg(c, "%s", conf);
	arg(c, "--cons-fd");
	arg(c, "3");
	arg(c, "--ctl-fd");
	arg(c, "4");
	for (uint32_t p = 0; p < n->conf->nport; p++) {
		arg(c, "--port");
		arg(c, "%s/n%u.%u,%s/r%u.%u,%s", dir, n->index, p, dir, n->index, p,
		    mac_text(n->conf->port[p].mac, mac));
	}
}

/* ---- consoles ---- */

/* Our ends of a console, to read from and to write to, and the child's (-1: it opens files by name). */
struct console {
	int ours[2], theirs;
};

/* Both ends at once, so that neither waits for the other and nothing that is written early is lost. */
static int open_fifo(const char *path)
{
	if (mkfifo(path, 0600))
		return -1;
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		fcntl(fd, F_SETPIPE_SZ, FIFO_BYTES); /* less will do when the user has no more */
	return fd;
}

/*
 * QEMU writes a serial port's output byte by byte. A socket takes about 300 such writes until its reader runs, and a guest cannot
 * wait for ever; a FIFO takes as many as it has bytes.
 */
static int qemu_console(struct node *n, const char *name, struct console *c)
{
	char path[PATH_MAX];

	c->theirs = -1;
	snprintf(path, sizeof(path), "%s/%u.%s.out", n->sup->opt->dir, n->index, name);
	c->ours[0] = open_fifo(path);
	snprintf(path, sizeof(path), "%s/%u.%s.in", n->sup->opt->dir, n->index, name);
	c->ours[1] = open_fifo(path);
	return c->ours[0] < 0 || c->ours[1] < 0 ? -1 : 0;
}

static int edge_console(struct console *c)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	c->ours[0] = c->ours[1] = pair[0];
	c->theirs = pair[1];
	return 0;
}

/* ---- processes ---- */

/*
 * In the child. It dies with the supervisor whatever happens to that; a supervisor that died before prctl is
 * noticed by the parent's pid. Signals go back to their defaults: the supervisor blocks the ones it reads.
 */
_Noreturn static void child(struct node *n, const struct command *c, pid_t supervisor, int people,
			    int control)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != supervisor)
		_exit(126);
	int null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, 0) < 0 || dup2(n->log, 1) < 0 || dup2(n->log, 2) < 0)
		_exit(126);
	/* The ends of the consoles may stand where 3 and 4 must go: move them out of the way first. */
	int high[2] = {fcntl(people, F_DUPFD, 16), fcntl(control, F_DUPFD, 16)};
	if (people >= 0 && (dup2(high[0], 3) < 0 || dup2(high[1], 4) < 0))
		_exit(126);
	if (close_range(people >= 0 ? 5 : 3, ~0u, 0))
		_exit(126);
	execvp(c->argv[0], c->argv);
	dprintf(2, "cannot run %s: %s%s\n", c->argv[0], strerror(errno),
		errno == ENOENT ? "; install it: apt-get install qemu-system-x86" : "");
	_exit(127);
}

static int open_log(struct node *n, const char *what)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.%s", n->sup->opt->dir, n->conf->name, what);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int spawn(struct node *n, const struct command *c)
{
	bool edge = n->conf->kind == TOPO_EDGE;
	struct console people = {.theirs = -1}, control = {.theirs = -1};
	pid_t self = getpid();

	if (edge ? edge_console(&people) || edge_console(&control)
		 : qemu_console(n, "people", &people) || qemu_console(n, "control", &control))
		return -1;
	n->pid = fork();
	if (n->pid == 0)
		child(n, c, self, people.theirs, control.theirs);
	if (edge) {
		close(people.theirs);
		close(control.theirs);
	}
	if (n->pid < 0) {
		n->pid = 0;
		return -1;
	}
	setpgid(n->pid, n->pid);
	n->start = state_start_time(n->pid);
	n->started_at = loop_now();
	return mux_node(n, people.ours, control.ours);
}

int node_start(struct node *n)
{
	char conf[PATH_MAX], boot[PATH_MAX];
	struct command c = {.argc = 0};

	n->log = open_log(n, "log");
	n->events = open_log(n, "events");
	if (n->log < 0 || n->events < 0 || node_conf(n, conf)) {
		sup_error(n->sup, "%s: cannot write to %s: %s", n->conf->name, n->sup->opt->dir,
			  strerror(errno));
		return -1;
	}
	if (n->conf->kind == TOPO_EDGE)
		edge_command(n, conf, &c);
	else if (node_archive(n, boot) == 0)
		qemu_command(n, boot, &c);
	else
		return -1;
	int rc = spawn(n, &c);
	if (rc)
		sup_error(n->sup, "%s: cannot start its process: %s", n->conf->name,
			  strerror(errno));
	command_free(&c);
	return rc;
}

const char *node_status_text(const struct node *n, char *buf, size_t size)
{
	bool xok = n->conf->kind == TOPO_XOK;
	int status = WIFEXITED(n->status) ? WEXITSTATUS(n->status) : -1;

	if (WIFSIGNALED(n->status))
		snprintf(buf, size, "killed by signal %d (%s)", WTERMSIG(n->status),
			 strsignal(WTERMSIG(n->status)));
	else if (xok && status == 255)
		snprintf(buf, size, "kernel panic");
	else if (status == 0)
		snprintf(buf, size, "powered off");
	else
		snprintf(buf, size, "ended with status %d", status);
	return buf;
}

static void ended(struct node *n, int status)
{
	n->pid = 0;
	n->status = status;
	n->state = NODE_ENDED;
	mux_node_ended(n);
}

void nodes_reap(struct sup *s)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		for (uint32_t i = 0; i < s->topo->nnode; i++)
			if (s->node[i].pid == pid)
				ended(&s->node[i], status);
}

static uint32_t signal_all(struct sup *s, int sig)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->topo->nnode; i++)
		if (s->node[i].pid) {
			n++;
			if (sig)
				kill(-s->node[i].pid, sig);
		}
	return n;
}

void nodes_stop(struct sup *s)
{
	uint64_t until = loop_now() + STOP_NS;
	bool killed = false;

	signal_all(s, SIGTERM);
	for (;;) {
		nodes_reap(s);
		if (!signal_all(s, 0))
			return;
		if (!killed && loop_now() > until) {
			signal_all(s, SIGKILL);
			killed = true;
		}
		usleep(10000);
	}
}
