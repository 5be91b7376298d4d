/* SPDX-License-Identifier: BSD-2-Clause */
int lonely(int x);
int lonely(int x)
{
	return x;
}
