# SPDX-License-Identifier: BSD-2-Clause
#
# Turns `nm -n` of the first link into the symbol table of the second: functions only, sorted by
# address.
BEGIN {
	print "\t.section .ksyms, \"a\", @progbits"
	print "\t.balign 8"
	print "\t.globl ksyms, ksyms_count, ksyms_names"
	print "ksyms:"
	names = ""
	off = 0
	n = 0
}
$2 ~ /^[tT]$/ && $1 ~ /^ffffffff/ {
	printf "\t.long 0x%s - 0x80000000, %d\n", substr($1, 9), off
	name[n++] = $3
	off += length($3) + 1
}
END {
	print "ksyms_count:"
	printf "\t.long %d\n", n
	print "ksyms_names:"
	for (i = 0; i < n; i++)
		printf "\t.asciz \"%s\"\n", name[i]
	print "\t.section .note.GNU-stack, \"\", @progbits"
}
