# SPDX-License-Identifier: BSD-2-Clause
"""amp filter: expressions as filters, and what it says of those that cannot be."""
import json

import pytest


def test_filters(place):
    done = place.amp("filter", "udp", "dst", "port", "3322", check=0)
    assert "filter 1 of 2, 5 atoms" in done.out and "at base + 16, 2 bytes = 0x0cfa" in done.out
    assert "at 56, 2 bytes = 0x0cfa" in done.out


def test_json(place):
    filters = json.loads(place.amp("filter", "--json", "ip and tcp src portrange 5-10", check=0).out)
    assert [[a["kind"] for a in f] for f in filters] == [["equal", "equal", "equal", "shift", "range"]]
    assert filters[0][0] == {"kind": "equal", "off": 12, "size": 2, "mask": "0xffff", "value": "0x0800"}
    assert (filters[0][4]["low"], filters[0][4]["high"]) == (5, 10)


@pytest.mark.parametrize("expression,says", [
    ("ip and not port 5", "column 8, 'not': filters cannot say what a packet is not"),
    ("port http", "column 6, 'http': names are not looked up: give the port's number"),
    ("ip and ip6", "no packet can match"),
    ("host 10.0.0.256", "column 6, '10.0.0.256': an IPv4 address is four numbers up to 255"),
    ("host fe80::1::2", "column 6, 'fe80::1::2': this is no address of IPv6"),
    ("host example.org", "column 6, 'example.org': names are not looked up: give the address"),
])
def test_refused(place, expression, says):
    assert says in place.amp("filter", expression, check=1).err


def test_usage(place):
    assert "examples:" in place.amp("filter", "--help", check=0).out
    assert "give an expression" in place.amp("filter", check=64).err
