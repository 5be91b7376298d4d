/* SPDX-License-Identifier: BSD-2-Clause */
/* find.c - which testbed or router is meant, out of those that run: those of this user, and the machine's routers. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nodeos/lib/text.h"
#include "state.h"
#include "text.h"
#include "topology.h"

#define RUNNING 64u

/* All that run under some bases, each once: more than one path may lead there. */
struct running {
	uint32_t n;
	struct {
		char dir[STATE_DIR_MAX];
		dev_t dev;
		ino_t ino;
	} at[RUNNING];
};

static bool runs(const char *dir)
{
	struct state_process p[STATE_PROCESSES];

	return state_read(dir, p) > 0 && state_alive(&p[0]);
}

static bool known(const struct running *r, const struct stat *st)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->at[i].dev == st->st_dev && r->at[i].ino == st->st_ino)
			return true;
	return false;
}

static void find_under(struct running *r, const char *base)
{
	char one[STATE_DIR_MAX];
	struct stat st;
	DIR *d = opendir(base);

	for (struct dirent *e; d && r->n < RUNNING && (e = readdir(d));) {
		if (e->d_name[0] == '.' || !text_path(one, sizeof(one), "%s/%s", base, e->d_name) ||
		    !runs(one) || stat(one, &st) || known(r, &st))
			continue;
		strcpy(r->at[r->n].dir, one);
		r->at[r->n].dev = st.st_dev;
		r->at[r->n].ino = st.st_ino;
		r->n++;
	}
	if (d)
		closedir(d);
}

static const char *name_of(const char *dir)
{
	const char *slash = strrchr(dir, '/');

	return slash ? slash + 1 : dir;
}

/* ---- when there is none, or more than one ---- */

static bool none_runs(char err[STATE_ERROR])
{
	bool hidden = access(STATE_SERVICES, F_OK) == 0 && access(STATE_SERVICES, R_OK | X_OK);

	snprintf(err, STATE_ERROR,
		 "no testbed runs, and no router: start one with amp testbed up FILE.yaml or amp "
		 "router -c FILE%s",
		 hidden ? " (routers of root's are in " STATE_SERVICES
			  ", which root alone may read)"
			: "");
	return false;
}

static bool several_run(const struct running *r, const char *node, char err[STATE_ERROR])
{
	if (node)
		snprintf(err, STATE_ERROR, "a node '%.40s' is in each of", node);
	else
		snprintf(err, STATE_ERROR, "several testbeds or routers run:");
	for (uint32_t i = 0; i < r->n; i++)
		text_append(err, STATE_ERROR, "%s %s", i ? "," : "", name_of(r->at[i].dir));
	text_append(err, STATE_ERROR, ": say which by its name (%s, else -t NAME)",
		    node ? "amp testbed: NAME in front of the node's"
			 : "amp testbed and reload: NAME alone");
	return false;
}

static bool find_only(char dir[STATE_DIR_MAX], char err[STATE_ERROR])
{
	static struct running r;
	char base[STATE_DIR_MAX];

	if (!state_base(base, err))
		return false;
	r.n = 0;
	find_under(&r, base);
	if (!r.n) /* a testbed of one's own goes before the machine's router */
		find_under(&r, STATE_SERVICES);
	if (!r.n)
		return none_runs(err);
	if (r.n > 1)
		return several_run(&r, NULL, err);
	strcpy(dir, r.at[0].dir);
	return true;
}

/* ---- by a node ---- */

/* Each node has its file of events from when it is started. */
#define EVENTS ".events"

static bool has_node(const char *dir, const char *node)
{
	char path[STATE_DIR_MAX + 64];

	return text_path(path, sizeof(path), "%s/%.40s" EVENTS, dir, node) &&
	       access(path, F_OK) == 0;
}

/* Adds the nodes of one to the text, and keeps the name that is most like the one meant. */
static void name_nodes(const char *dir, const char *meant, char near[64], char *out, size_t size)
{
	DIR *d = opendir(dir);
	bool first = true;

	for (struct dirent *e; d && (e = readdir(d));) {
		size_t n = strlen(e->d_name), tail = strlen(EVENTS);
		char name[64];

		if (n <= tail || n - tail >= sizeof(name) || strcmp(e->d_name + n - tail, EVENTS))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(n - tail), e->d_name);
		text_append(out, size, "%s %s", first ? "" : ",", name);
		first = false;
		const char *const word[] = {name};
		if (!*near && text_nearest(meant, word, 1))
			strcpy(near, name);
	}
	if (d)
		closedir(d);
	text_append(out, size, " (in %s)", dir);
}

static bool no_node(const struct running *r, const char *node, char err[STATE_ERROR])
{
	char near[64] = "", all[300] = "";

	if (!r->n)
		return none_runs(err);
	for (uint32_t i = 0; i < r->n; i++) {
		text_append(all, sizeof(all), "%s", i ? ";" : "");
		name_nodes(r->at[i].dir, node, near, all, sizeof(all));
	}
	snprintf(err, STATE_ERROR, "there is no node '%.40s' here", node);
	if (*near)
		text_append(err, STATE_ERROR, ": did you mean %s?", near);
	text_append(err, STATE_ERROR, "%s%s", *near ? " There are" : ": there are", all);
	return false;
}

bool state_find_node(const char *which, const char *node, char dir[STATE_DIR_MAX],
		     char err[STATE_ERROR])
{
	static struct running r;
	char base[STATE_DIR_MAX];
	uint32_t have = 0;

	if (which || !text_is_name(node))
		return state_find(which, dir, err);
	if (!state_base(base, err))
		return false;
	r.n = 0;
	find_under(&r, base);
	find_under(&r, STATE_SERVICES);
	for (uint32_t i = 0; i < r.n; i++)
		have += has_node(r.at[i].dir, node);
	if (!have)
		return no_node(&r, node, err);
	/* Those without it are not asked about. */
	uint32_t n = 0;
	for (uint32_t i = 0; i < r.n; i++)
		if (has_node(r.at[i].dir, node))
			r.at[n++] = r.at[i];
	r.n = n;
	if (n != 1)
		return several_run(&r, node, err);
	strcpy(dir, r.at[0].dir);
	return true;
}

/* ---- by a name, a file or a directory ---- */

static bool find_file(const char *file, char dir[STATE_DIR_MAX], char err[STATE_ERROR])
{
	static struct topo t;
	struct topo_error e;

	if (topo_read(&t, file, &e) == 0)
		return state_dir(t.name, dir, err);
	snprintf(err, STATE_ERROR, "%.200s:%zu:%zu: %.250s", file, e.line, e.column, e.text);
	return false;
}

static bool find_name(const char *name, char dir[STATE_DIR_MAX], char err[STATE_ERROR])
{
	char path[STATE_DIR_MAX];

	if (access(dir, F_OK) == 0)
		return true;
	if (text_path(path, sizeof(path), "%s/%s", STATE_SERVICES, name) && access(path, F_OK) == 0)
		return strcpy(dir, path);
	snprintf(err, STATE_ERROR,
		 "there is no testbed and no router '%.40s' (looked for %.100s and %s/%.40s)", name,
		 dir, STATE_SERVICES, name);
	return false;
}

bool state_find(const char *which, char dir[STATE_DIR_MAX], char err[STATE_ERROR])
{
	char path[STATE_DIR_MAX + 300];
	struct stat st;

	if (!which)
		return find_only(dir, err);
	if (stat(which, &st) == 0 && S_ISREG(st.st_mode))
		return find_file(which, dir, err);
	if (strchr(which, '/') && text_path(path, sizeof(path), "%.300s/supervisor.log", which) &&
	    access(path, F_OK) == 0 && text_path(dir, STATE_DIR_MAX, "%s", which))
		return true;
	if (text_is_name(which) && state_dir(which, dir, err))
		return find_name(which, dir, err);
	snprintf(err, STATE_ERROR,
		 "'%.100s' is no testbed: give a name, a topology file or a state directory",
		 which);
	return false;
}
