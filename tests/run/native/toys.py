"""Compiled code for tests of calls: what it computes is plain to see."""

import functools

from chainrule.graph.types import Type
from chainrule.run.native.call.callable import Argument, Context
from chainrule.run.native.call.signature import Leaf
from chainrule.run.native.code import target

COPY = """
define void @copy{count}(ptr %inputs, ptr %outputs, ptr %scratch) {{
  call void @llvm.memcpy.p0.p0.i64(ptr %outputs, ptr %inputs, i64 {size}, i1 false)
  ret void
}}
"""

# product: x y, y, x of two doubles. twice: 2 a of six doubles in an array, and their number.
# constant: the number of bytes of scratch it fills, which swaps change. pointers: the places of
# the scratch and of the first output. spin: counts to its argument.
TEXT = """
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

define void @nothing(ptr %inputs, ptr %outputs, ptr %scratch) {
  ret void
}

define void @product(ptr %inputs, ptr %outputs, ptr %scratch) {
  %x = load double, ptr %inputs
  %y.place = getelementptr double, ptr %inputs, i64 1
  %y = load double, ptr %y.place
  %xy = fmul double %x, %y
  store double %xy, ptr %outputs
  %second = getelementptr double, ptr %outputs, i64 1
  store double %y, ptr %second
  %third = getelementptr double, ptr %outputs, i64 2
  store double %x, ptr %third
  ret void
}

define void @twice(ptr %inputs, ptr %outputs, ptr %scratch) {
entry:
  %from = load ptr, ptr %inputs
  %to = load ptr, ptr %outputs
  %number = getelementptr ptr, ptr %outputs, i64 1
  store double 6.0, ptr %number
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %next ]
  %a.place = getelementptr double, ptr %from, i64 %i
  %a = load double, ptr %a.place
  %aa = fadd double %a, %a
  %to.place = getelementptr double, ptr %to, i64 %i
  store double %aa, ptr %to.place
  %i.next = add i64 %i, 1
  %last = icmp eq i64 %i.next, 6
  br i1 %last, label %done, label %next
done:
  ret void
}

define void @pointers(ptr %inputs, ptr %outputs, ptr %scratch) {
  store ptr %scratch, ptr %outputs
  %second = getelementptr ptr, ptr %outputs, i64 1
  store ptr %outputs, ptr %second
  ret void
}

define void @spin(ptr %inputs, ptr %outputs, ptr %scratch) {
entry:
  %count = load i64, ptr %inputs
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %next ]
  store volatile i64 %i, ptr %outputs
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %count
  br i1 %more, label %next, label %done
done:
  ret void
}
"""


def fill(size: int) -> str:
    """Writes ``size`` everywhere in as many bytes of scratch, and reads it back at their end."""
    return f"""
define void @fill(ptr %inputs, ptr %outputs, ptr %scratch) {{
entry:
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %next ]
  %place = getelementptr i64, ptr %scratch, i64 %i
  store volatile i64 {size}, ptr %place
  %i.next = add i64 %i, 1
  %last = icmp eq i64 %i.next, {size // 8}
  br i1 %last, label %done, label %next
done:
  %read = load volatile i64, ptr %place
  store i64 %read, ptr %outputs
  ret void
}}
"""


@functools.cache
def library(text=TEXT):
    if text is TEXT:
        text += "".join(COPY.format(count=count, size=8 * count) for count in range(1, 9))
    return target.load(text)


def context(function, types, results, **options):
    """A context for one of the functions above, with arguments a, b, c … of these types."""
    arguments = [Argument("abcdefgh"[i], type) for i, type in enumerate(types)]
    code = library()
    return Context(code.address(function), arguments, results, keep=code, **options)


FLOAT = Type.of("float64")
VECTOR = Type.of("float64", (2, 3))


def product(python=True, results=None, **options):
    flat = tuple(Leaf(slot, FLOAT, python) for slot in range(3))
    return context(
        "product", [FLOAT, FLOAT], flat if results is None else results, outputs=3, **options
    )


def twice(**options):
    results = (Leaf(0, VECTOR), Leaf(1, FLOAT))
    return context("twice", [VECTOR], results, outputs=2, **options)
