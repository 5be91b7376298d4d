/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "notify.h"
#include "text.h"

#define LOG_TAIL 12u /* lines of a node's log that an error shows */

const char *node_state_name(enum node_state s)
{
	static const char *const names[] = {"starting", "ready", "ended"};

	return names[s];
}

static double seconds(const struct sup *s)
{
	return (double)(loop_now() - s->began) / 1e9;
}

/* ---- what `up` hears ---- */

static void report(struct sup *s, char kind, const char *text)
{
	if (s->opt->router) {
		log_event(s->opt->log, kind == 'E' ? LOG_ERR : LOG_INFO, "router",
			  kind == 'E' ? "error" : "progress", NULL, "%s", text);
		return;
	}
	fprintf(stderr, "%8.3f %s\n", seconds(s), text);
	if (chan_is_open(&s->report))
		chan_printf(&s->report, "%c %s\n", kind, text);
}

void sup_progress(struct sup *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report(s, 'P', text);
}

void sup_error(struct sup *s, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report(s, 'E', text);
}

/* A router's in the words of its file, where it is about a line of that. */
static void show_line(struct sup *s, const char *line)
{
	const struct sup_options *o = s->opt;
	char told[600];

	if (o->router && router_said(o->router, o->file, line, told, sizeof(told)))
		sup_error(s, "  %s", told);
	else
		sup_error(s, "  | %.400s", line);
}

/* The end of a node's log, which is where the reason stands when it died. */
static void show_log(struct sup *s, const struct node *n)
{
	char path[PATH_MAX];
	size_t len, lines = 0;

	snprintf(path, sizeof(path), "%s/%s.log", s->opt->dir, n->conf->name);
	char *text = text_file(path, 16u << 20, &len);
	if (!text || !len) {
		sup_error(s, "  (its log %s is empty)", path);
		free(text);
		return;
	}
	char *p = text + len;
	if (p[-1] == '\n')
		*--p = 0;
	while (p > text && (p[-1] != '\n' || ++lines < LOG_TAIL))
		p--;
	sup_error(s, "  the last lines of %s:", path);
	for (char *line = p, *save; (line = strtok_r(line, "\r\n", &save)); line = NULL)
		show_line(s, line);
	free(text);
}

/* ---- the way up ---- */

static bool record(struct sup *s)
{
	static struct state_process p[STATE_PROCESSES];
	uint32_t n = 1;

	p[0] = (struct state_process){"supervisor", getpid(), state_start_time(getpid())};
	for (uint32_t i = 0; i < s->topo->nnode; i++) {
		const struct node *v = &s->node[i];

		if (!v->pid)
			continue;
		snprintf(p[n].name, sizeof(p[n].name), "%s", v->conf->name);
		p[n].pid = v->pid;
		p[n++].start = v->start;
	}
	if (state_write(s->opt->dir, p, n))
		return true;
	sup_error(s, "cannot record the processes in %s/run: %s", s->opt->dir, strerror(errno));
	return false;
}

/* The first router is booted with KVM when that was asked for; its ports are not there, which makes no difference. */
static bool choose_accel(struct sup *s)
{
	const char *asked = s->opt->accel;
	char path[PATH_MAX];
	uint32_t i = 0;

	s->accel = "tcg";
	while (i < s->topo->nnode && s->topo->node[i].kind != TOPO_XOK)
		i++;
	if (!strcmp(asked, "tcg") || i == s->topo->nnode)
		return true;
	sup_progress(s, "%s: trying whether KVM runs our kernel", s->topo->name);
	if (node_conf(&s->node[i], path) == 0 && node_archive(&s->node[i], path) == 0 &&
	    accel_kvm_works(s, path))
		s->accel = "kvm";
	else if (!strcmp(asked, "kvm")) {
		sup_error(s, "KVM does not run our kernel on this machine: use --accel tcg");
		return false;
	}
	return true;
}

static bool start_kind(struct sup *s, enum topo_kind kind)
{
	for (uint32_t i = 0; i < s->topo->nnode; i++) {
		if (s->node[i].conf->kind == kind && (node_start(&s->node[i]) || !record(s)))
			return false;
	}
	return true;
}

/* The names of the nodes, for the programs in hosts. */
static bool write_hosts(struct sup *s)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/hosts", s->opt->dir);
	FILE *f = fopen(path, "we");
	if (f)
		topo_write_hosts(s->topo, f);
	bool good = f && !ferror(f);
	if (f && fclose(f) == 0 && good)
		return true;
	sup_error(s, "cannot write %s: %s", path, strerror(errno));
	return false;
}

static bool start_all(struct sup *s)
{
	const struct topo *t = s->topo;
	uint32_t nkind[TOPO_NKIND] = {0};
	char kinds[128] = "";

	if (!record(s) || !write_hosts(s) || links_open(s) || mux_open(s))
		return false;
	for (uint32_t i = 0; i < t->nnode; i++) {
		s->node[i] = (struct node){
			.sup = s, .conf = &t->node[i], .index = i, .log = -1, .events = -1};
		nkind[t->node[i].kind]++;
	}
	if (!choose_accel(s))
		return false;
	for (uint32_t k = 0; k < TOPO_NKIND; k++) {
		if (!nkind[k])
			continue;
		text_append(kinds, sizeof(kinds), "%s%u %s", *kinds ? ", " : "", nkind[k],
			    topo_kind_name((enum topo_kind)k));
		if (k == TOPO_XOK)
			text_append(kinds, sizeof(kinds), " in QEMU by %s", s->accel);
	}
	if (!s->opt->router)
		sup_progress(s, "%s: starting %u node%s (%s) and %u link%s", t->name, t->nnode,
			     plural(t->nnode), kinds, t->nlink, plural(t->nlink));
	/* Routers come first in the list of kinds: they take the longest. */
	for (uint32_t k = 0; k < TOPO_NKIND; k++)
		if (!start_kind(s, (enum topo_kind)k))
			return false;
	return true;
}

void sup_node_ready(struct sup *s, struct node *n)
{
	n->state = NODE_READY;
	n->ready_at = loop_now();
	n->clock_set = n->conf->kind != TOPO_XOK; /* the others share ours */
	if (s->opt->router) {
		const struct log_field f[] = {{"seconds", NULL, seconds(s)}, {0}};

		log_event(s->opt->log, LOG_INFO, "node", "ready", f, "%s is ready after %.2f s",
			  n->conf->name, seconds(s));
	} else {
		sup_progress(s, "  %-8s ready after %.2f s", n->conf->name, seconds(s));
	}
}

void sup_node_ended(struct sup *s, struct node *n, const char *why)
{
	const struct log_field f[] = {{"why", why, 0}, {0}};

	if (s->opt->router)
		log_event(s->opt->log, n->status ? LOG_ERR : LOG_NOTICE, "router", "ended", f,
			  "node %s: %s", n->conf->name, why);
	else
		sup_error(s, "node %s: %s", n->conf->name, why);
}

/* Ready: every node said so and has the time. */
static void check_ready(struct sup *s)
{
	if (s->stopping || (s->ready && !s->opt->router))
		return;
	for (uint32_t i = 0; i < s->topo->nnode; i++) {
		struct node *n = &s->node[i];

		if (n->state != NODE_ENDED)
			continue;
		s->failed = !s->ready || n->status != 0; /* a router may be powered off */
		if (s->failed)
			show_log(s, n);
		sup_stop(s);
		return;
	}
	if (s->ready)
		return;
	if (loop_now() > s->began + s->opt->wait * 1000000000ull) {
		for (uint32_t i = 0; i < s->topo->nnode; i++) {
			if (s->node[i].state == NODE_READY)
				continue;
			sup_error(s,
				  "node %s was not ready after %u s: see its log, or wait longer "
				  "with --wait",
				  s->node[i].conf->name, s->opt->wait);
			show_log(s, &s->node[i]);
		}
		s->failed = true;
		sup_stop(s);
		return;
	}
	for (uint32_t i = 0; i < s->topo->nnode; i++)
		if (!s->node[i].clock_set)
			return;
	s->ready = true;
	s->ready_at = loop_now();
	chan_printf(&s->report, "R %.3f\n", (double)(s->ready_at - s->began) / 1e9);
	if (s->opt->router) {
		twins_update(s);
		notify_send("READY=1\nSTATUS=Forwarding.");
	}
	if (s->reload.again)
		reload_begin(s, NULL, "");
}

/* ---- `amp router` under a service manager ---- */

static void node_answers(void *arg, const char *rest)
{
	(void)arg;
	if (*rest == '.')
		notify_send("WATCHDOG=1");
}

/* We are well when the node is, so it is asked, three times within the time that is allowed. */
static void watchdog(struct sup *s)
{
	if (!s->watchdog || !s->ready || loop_now() < s->watchdog_due)
		return;
	s->watchdog_due = loop_now() + s->watchdog / 3;
	mux_ask(&s->node[0], "show ports", node_answers, NULL);
}

/* ---- the way down ---- */

void sup_stop(struct sup *s)
{
	s->stopping = true;
	if (s->opt->router)
		notify_send("STOPPING=1");
}

static void told_to_end(struct sup *s, int sig)
{
	const struct log_field f[] = {{"signal", sigabbrev_np(sig), 0}, {0}};

	s->hurried = s->stopping;
	if (s->opt->router && !s->stopping)
		log_event(s->opt->log, LOG_NOTICE, "router", "stopping", f, "SIG%s: %s ends",
			  sigabbrev_np(sig), s->opt->router->name);
	sup_stop(s);
}

static void signal_in(void *arg, uint32_t events)
{
	struct sup *s = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(s->signals.fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			nodes_reap(s);
		else if (info.ssi_signo == SIGHUP && s->opt->router)
			reload_begin(s, NULL, "");
		else
			told_to_end(s, (int)info.ssi_signo);
	}
}

static int signals_open(struct sup *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -1 : watch_open(&s->loop, &s->signals, fd, EPOLLIN, signal_in, s);
}

/* `up` has gone. Before it said "detach" that means: take everything down. */
static void report_closed(void *arg)
{
	struct sup *s = arg;

	chan_close(&s->report);
	if (!s->detached)
		sup_stop(s);
}

static void report_line(void *arg, char *line, bool cut)
{
	struct sup *s = arg;

	if (!cut && !strcmp(line, "detach"))
		s->detached = true;
}

int sup_run(const struct sup_options *opt)
{
	struct sup *s = calloc(1, sizeof(*s));

	if (!s)
		return 1;
	s->opt = opt;
	s->topo = opt->topo;
	s->began = loop_now();
	s->report.on_line = report_line;
	s->report.on_close = report_closed;
	s->report.arg = s;
	s->watchdog = opt->router ? notify_watchdog() : 0;
	if (loop_init(&s->loop) || signals_open(s) ||
	    (opt->report >= 0 && chan_open(&s->loop, &s->report, opt->report, opt->report)))
		return 1;
	if (!start_all(s)) {
		s->failed = true;
		sup_stop(s);
	}
	metrics_open(&s->metrics, s);
	while (!s->stopping) {
		uint64_t next = links_run(s), tick = loop_now() + 100000000ull;

		loop_step(&s->loop, next < tick ? next : tick);
		mux_clocks(s);
		mux_tick(s);
		check_ready(s);
		watchdog(s);
		metrics_tick(&s->metrics);
	}
	for (uint32_t i = 0; i < s->topo->nnode; i++)
		if (!s->node[i].sup)
			s->node[i] = (struct node){.sup = s, .conf = &s->topo->node[i], .index = i};
	nodes_stop(s);
	metrics_close(&s->metrics);
	mux_close(s);
	links_close(s);
	state_clean(opt->dir);
	chan_close(&s->report);
	if (opt->router)
		log_event(opt->log, LOG_INFO, "router", "stopped", NULL, "%s has ended",
			  opt->router->name);
	int rc = s->failed;
	twins_free(&s->twins);
	free(s);
	return rc;
}
