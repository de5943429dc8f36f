"""LLVM's text of arrays: whether one is as it should be, and arrays for results.

It is written as in quick.py. Making and freeing an array takes longer than adding up hundreds of
numbers, so small ones are kept: when a result is due, one of the last two arrays that were handed
out in its place is handed out again if nobody else holds it any more, as ``zip`` does with its
tuples. Two, since ``v, g = f(x)`` in a loop holds the last ``g`` while the next one is made.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = r"""
; Whether an array has these flags, and the kind of elements and the shape that a record asks for.
define internal i1 @fits(ptr %array, ptr %spec, i32 %wanted) {
entry:
  %flags = read i32 %array A_FLAGS
  %ndim = read i32 %array A_DIMENSIONS
  %ndim.wide = sext i32 %ndim to i64
  %ndim.wanted = read i64 %spec NDIM
  %descr = read ptr %array A_DESCRIPTION
  %descr.wanted = read ptr %spec DESCR
  %element = read i64 %descr A_ELEMENT
  %element.wanted = read i64 %descr.wanted A_ELEMENT
  %good = and i32 %flags, %wanted
  %good.fits = icmp eq i32 %good, %wanted
  %ndim.fits = icmp eq i64 %ndim.wide, %ndim.wanted
  %element.fits = icmp eq i64 %element, %element.wanted
  %two.fit = and i1 %good.fits, %ndim.fits
  %three.fit = and i1 %two.fit, %element.fits
  br i1 %three.fit, label %shape, label %done
shape:
  %sizes = read ptr %array A_SHAPE
  %sizes.wanted = read ptr %spec DIMS
  br label %axis
axis:
  %i = phi i64 [ 0, %shape ], [ %i.next, %size ]
  %last = icmp eq i64 %i, %ndim.wanted
  br i1 %last, label %done, label %size
size:
  %size.place = getelementptr i64, ptr %sizes, i64 %i
  %size.is = load i64, ptr %size.place
  %size.wanted.place = getelementptr i64, ptr %sizes.wanted, i64 %i
  %size.wanted = load i64, ptr %size.wanted.place
  %size.fits = icmp eq i64 %size.is, %size.wanted
  %i.next = add i64 %i, 1
  br i1 %size.fits, label %axis, label %done
done:
  %result = phi i1 [ false, %entry ], [ true, %axis ], [ false, %size ]
  ret i1 %result
}

; An array for a result: one that was handed out before, or a new one.
define internal ptr @fresh(ptr %spec) noinline {
entry:
  %kept = read i64 %spec KEPT
  %never = icmp eq i64 %kept, 0
  br i1 %never, label %new, label %look
look:
  %last = read ptr %spec LAST
  %last.free = call i1 @is_free(ptr %last, ptr %spec)
  br i1 %last.free, label %again, label %look.before
look.before:
  %before = read ptr %spec BEFORE
  %before.free = call i1 @is_free(ptr %before, ptr %spec)
  br i1 %before.free, label %again, label %new
again:
  %found = phi ptr [ %last, %look ], [ %before, %look.before ]
  %count = getelementptr i8, ptr %found, i64 A_COUNT
  store i32 2, ptr %count
  ret ptr %found
new:
  %array = call ptr @empty(ptr %spec)
  %missing = icmp eq ptr %array, null
  %single = or i1 %missing, %never
  br i1 %single, label %done, label %keep
keep:
  %second = read ptr %spec LAST
  %old = read ptr %spec BEFORE
  store ptr %array, ptr %second.at
  store ptr %second, ptr %old.at
  call void @Py_IncRef(ptr %array)
  call void @Py_DecRef(ptr %old)
  br label %done
done:
  ret ptr %array
}

; Whether a kept array is nobody else's, and still as it was made.
define internal i1 @is_free(ptr %array, ptr %spec) {
entry:
  %none = icmp eq ptr %array, null
  br i1 %none, label %no, label %count
count:
  %holders = read i32 %array A_COUNT
  %alone = icmp eq i32 %holders, 1
  br i1 %alone, label %whole, label %no
whole:
  %base = read ptr %array A_BASE
  %weak = read ptr %array A_WEAK
  %own = icmp eq ptr %base, null
  %unseen = icmp eq ptr %weak, null
  %fits = call i1 @fits(ptr %array, ptr %spec, i32 A_NEW)
  %untouched = and i1 %own, %unseen
  %result = and i1 %untouched, %fits
  ret i1 %result
no:
  ret i1 false
}

; Let go of the arrays that are kept at these records.
define void @chainrule_forget(ptr %specs, i64 %count) {
entry:
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %one ]
  %done = icmp eq i64 %i, %count
  br i1 %done, label %end, label %one
one:
  %offset = mul i64 %i, RECORD_SIZE
  %spec = getelementptr i8, ptr %specs, i64 %offset
  %last = read ptr %spec LAST
  %before = read ptr %spec BEFORE
  call void @Py_DecRef(ptr %last)
  call void @Py_DecRef(ptr %before)
  %i.next = add i64 %i, 1
  br label %next
end:
  ret void
}

define internal ptr @empty(ptr %spec) noinline {
  %descr = read ptr %spec DESCR
  %ndim = read i64 %spec NDIM
  %dims = read ptr %spec DIMS
  %ndim.short = trunc i64 %ndim to i32
  call void @Py_IncRef(ptr %descr)
  %array = call ptr @PyArray_NewFromDescr(ptr @PyArray_Type, ptr %descr, i32 %ndim.short,
    ptr %dims, ptr null, ptr null, i32 0, ptr null)
  ret ptr %array
}

; An array whose elements lie in slots one after the other; the first bytes of each slot count.
define internal ptr @cells(ptr %spec, ptr %slots) noinline {
entry:
  %array = call ptr @fresh(ptr %spec)
  %missing = icmp eq ptr %array, null
  br i1 %missing, label %done, label %filled
filled:
  %count = read i64 %spec COUNT
  %size = read i64 %spec CLASS
  %data = read ptr %array A_DATA
  br label %next
next:
  %i = phi i64 [ 0, %filled ], [ %i.next, %one ]
  %last = icmp eq i64 %i, %count
  br i1 %last, label %done, label %one
one:
  %from = getelementptr i64, ptr %slots, i64 %i
  %offset = mul i64 %i, %size
  %to = getelementptr i8, ptr %data, i64 %offset
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %size, i1 false)
  %i.next = add i64 %i, 1
  br label %next
done:
  ret ptr %array
}
"""
