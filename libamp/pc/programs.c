/* SPDX-License-Identifier: BSD-2-Clause */
/* programs.c - downloaded programs, by the kernel. */
#include <stdio.h>

#include "libamp/pc/pc.h"

/* Pages that were never touched have no frame, and the kernel faults nothing in. */
static void touch(const struct xok_prog_spec *spec)
{
	vm_touch(spec, sizeof(*spec));
	if (spec->ninsn <= 4096)
		vm_touch((const void *)spec->insn, spec->ninsn * 8u);
	if (spec->rodata_len <= XOK_PROG_RODATA)
		vm_touch((const void *)spec->rodata, spec->rodata_len);
}

int64_t amp_prog_load(const struct xok_prog_spec *spec, char why[AMP_WHY])
{
	static struct xok_prog_report report;
	struct xok_prog_spec s = *spec;
	int64_t id;

	report = (struct xok_prog_report){0};
	why[0] = 0;
	s.report = (uint64_t)&report;
	touch(&s);
	id = xok_prog_load(PC_CAP, &s);
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
	return (int)xok_handler_bind(PC_CAP, filter, prog);
}

int amp_handler_rate(uint32_t env, uint64_t rate)
{
	return (int)xok_handler_rate(PC_CAP, PC_CAP, env, rate);
}

uint32_t amp_progs(void)
{
	return info()->nprog;
}

const struct xok_prog_info *amp_prog_info(uint32_t index)
{
	const struct xok_prog_info *table = (const void *)(XOK_INFO_VA + info()->prog_off);

	return index < info()->nprog && table[index].id != 0 ? &table[index] : NULL;
}
