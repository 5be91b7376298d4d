/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_code.c - generated code in this process. */
#include "vm_code.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "cmd.h"

bool vm_code_offered(void)
{
#ifdef __x86_64__
	return true;
#else
	return false;
#endif
}

bool vm_code_make(const char *verb, const struct vc_prog *p, void *scratch, struct vm_code *c)
{
	struct vc_code size;

	*c = (struct vm_code){.cpu = vc_cpu()};
	if (vc_compile(p, scratch, c->cpu, NULL, 0, &size) != VC_FINE)
		return cmd_error(verb, "the code generator refuses the program") == AMP_DONE;
	c->len = size.size;
	c->base = mmap(NULL, c->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->base == MAP_FAILED)
		return cmd_error(verb, "no memory for code: %s", strerror(errno)) == AMP_DONE;
	if (vc_compile(p, scratch, c->cpu, c->base, c->len, &c->code) != VC_FINE ||
	    c->code.size != size.size) {
		vm_code_free(c);
		return cmd_error(verb, "the code has another size than its dry run") == AMP_DONE;
	}
	if (mprotect(c->base, c->len, PROT_READ | PROT_EXEC) != 0) {
		vm_code_free(c);
		return cmd_error(verb, "cannot make code executable: %s", strerror(errno)) ==
		       AMP_DONE;
	}
	return true;
}

void vm_code_free(struct vm_code *c)
{
	munmap(c->base, c->len);
}
