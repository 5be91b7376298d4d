/* SPDX-License-Identifier: BSD-2-Clause */
/* programs.c - downloaded programs, by the kernel. */
#include <stdio.h>

#include "libamp/linux/linux.h"

int64_t amp_prog_load(const struct xok_prog_spec *spec, char why[AMP_WHY])
{
	static struct xok_prog_report report;
	struct xok_prog_spec s = *spec;
	int64_t id;

	report = (struct xok_prog_report){0};
	why[0] = 0;
	s.report = (uintptr_t)&report;
	id = xok_prog_load(CAP, &s);
	if (id < 0)
		snprintf(why, AMP_WHY, "%.*s", (int)sizeof(report.text),
			 report.text[0] ? report.text : amp_strerror((int)id));
	return id;
}

int amp_prog_unload(uint32_t id)
{
	return (int)xok_prog_unload(id);
}

int amp_handler_bind(uint32_t filter, uint32_t prog)
{
	return (int)xok_handler_bind(CAP, filter, prog);
}

int amp_handler_rate(uint32_t env, uint64_t rate)
{
	return (int)xok_handler_rate(CAP, CAP, env, rate);
}
