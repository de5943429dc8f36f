"""LLVM's text of what is around and below a call: its two ways, tuples, memory.

It is written as in quick.py.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = r"""
@PyFloat_Type = external global i8
@PyLong_Type = external global i8
@PyArray_Type = external global i8
@_Py_TrueStruct = external global i8
@_Py_FalseStruct = external global i8

declare void @PyErr_Clear()
declare ptr @PyErr_NoMemory()
declare ptr @PyErr_Occurred()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyEval_SaveThread()
declare ptr @PyFloat_FromDouble(double)
declare double @PyLong_AsDouble(ptr)
declare i64 @PyLong_AsLongLongAndOverflow(ptr, ptr)
declare ptr @PyLong_FromLongLong(i64)
declare void @PyMem_RawFree(ptr)
declare ptr @PyMem_RawMalloc(i64)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyTuple_New(i64)
declare void @Py_DecRef(ptr)
declare i32 @Py_EnterRecursiveCall(ptr)
declare void @Py_IncRef(ptr)
declare void @Py_LeaveRecursiveCall()
declare ptr @PyArray_Scalar(ptr, ptr, ptr)
declare ptr @PyArray_NewFromDescr(ptr, ptr, i32, ptr, ptr, ptr, i32, ptr)
declare double @llvm.fabs.f64(double)
declare float @llvm.fabs.f32(float)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; --- the call as Python makes it -------------------------------------------------------------

define ptr @chainrule_call(ptr %callable, ptr %values, i64 %flagged, ptr %names) {
entry:
  %declined = alloca i8
  %context = read ptr %callable CONTEXT
  %expected = read i64 %context ARGUMENT_COUNT
  %count = and i64 %flagged, 9223372036854775807
  %plain = icmp eq ptr %names, null
  %enough = icmp eq i64 %count, %expected
  %fits = and i1 %plain, %enough
  br i1 %fits, label %quick, label %slow
quick:
  %result = call ptr @quick(ptr %context, ptr %values, ptr %declined)
  %none = icmp eq ptr %result, null
  br i1 %none, label %without, label %done
without:
  %why = load i8, ptr %declined
  %failed = icmp eq i8 %why, 0
  br i1 %failed, label %done, label %slow
slow:
  %other = call ptr @slow(ptr %callable, ptr %values, i64 %count, ptr %names)
  ret ptr %other
done:
  ret ptr %result
}

@where = private constant [26 x i8] c" in a call of native code\00"

; The slow path gets the callable as its first argument, so that it need not be kept by it.
define internal ptr @slow(ptr %callable, ptr %values, i64 %count, ptr %names) noinline {
entry:
  %function = read ptr %callable SLOW
  %unnamed = icmp eq ptr %names, null
  br i1 %unnamed, label %gather, label %named
named:
  %size.place = getelementptr i8, ptr %names, i64 A_SIZE
  %size = load i64, ptr %size.place
  br label %gather
gather:
  %more = phi i64 [ 0, %entry ], [ %size, %named ]
  %all = add i64 %count, %more
  %bytes = shl i64 %all, 3
  %room = add i64 %bytes, 8
  %block = call ptr @PyMem_RawMalloc(i64 %room)
  %missing = icmp eq ptr %block, null
  br i1 %missing, label %memory, label %ready
ready:
  store ptr %callable, ptr %block
  %rest = getelementptr i8, ptr %block, i64 8
  call void @llvm.memcpy.p0.p0.i64(ptr %rest, ptr %values, i64 %bytes, i1 false)
  %positional = add i64 %count, 1
  %entered = call i32 @Py_EnterRecursiveCall(ptr @where)
  %shallow = icmp eq i32 %entered, 0
  br i1 %shallow, label %enter, label %leave
enter:
  %returned = call ptr @PyObject_Vectorcall(ptr %function, ptr %block, i64 %positional, ptr %names)
  call void @Py_LeaveRecursiveCall()
  br label %leave
leave:
  %result = phi ptr [ null, %ready ], [ %returned, %enter ]
  call void @PyMem_RawFree(ptr %block)
  ret ptr %result
memory:
  %nothing = call ptr @PyErr_NoMemory()
  ret ptr null
}

; Some of the places may be empty.
define internal void @drop(ptr %objects, i64 %count) noinline {
entry:
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %one ], [ %i.next, %full ]
  %last = icmp eq i64 %i, %count
  br i1 %last, label %done, label %one
one:
  %place = getelementptr ptr, ptr %objects, i64 %i
  %object = load ptr, ptr %place
  %empty = icmp eq ptr %object, null
  %i.next = add i64 %i, 1
  br i1 %empty, label %next, label %full
full:
  call void @Py_DecRef(ptr %object)
  br label %next
done:
  ret void
}

; The tuple of doubles that lie one after the other.
define internal ptr @floats(ptr %spec, ptr %slots) {
entry:
  %count = read i64 %spec COUNT
  %tuple = call ptr @PyTuple_New(i64 %count)
  %missing = icmp eq ptr %tuple, null
  br i1 %missing, label %done, label %filled
filled:
  %items = getelementptr i8, ptr %tuple, i64 A_ITEMS
  br label %next
next:
  %i = phi i64 [ 0, %filled ], [ %i.next, %one.made ]
  %last = icmp eq i64 %i, %count
  br i1 %last, label %done, label %one
one:
  %from = getelementptr double, ptr %slots, i64 %i
  %number = load double, ptr %from
  %object = call ptr @PyFloat_FromDouble(double %number)
  %to = getelementptr ptr, ptr %items, i64 %i
  %none = icmp eq ptr %object, null
  br i1 %none, label %fail, label %one.made
one.made:
  store ptr %object, ptr %to
  %i.next = add i64 %i, 1
  br label %next
fail:
  call void @Py_DecRef(ptr %tuple)
  br label %done
done:
  %result = phi ptr [ null, %entry ], [ %tuple, %next ], [ null, %fail ]
  ret ptr %result
}

; --- memory of calls that need much -----------------------------------------------------------

; A block starts at a multiple of 64; the 16 bytes before it say what to free and its size.
define internal ptr @take(ptr %context, i64 %need) noinline {
entry:
  %parked.place = getelementptr i8, ptr %context, i64 PARKED
  %parked = atomicrmw xchg ptr %parked.place, ptr null acq_rel
  %none = icmp eq ptr %parked, null
  br i1 %none, label %new, label %found
found:
  %size.place = getelementptr i8, ptr %parked, i64 -8
  %size = load i64, ptr %size.place
  %enough = icmp uge i64 %size, %need
  br i1 %enough, label %done, label %small
small:
  call void @chainrule_free(ptr %parked)
  br label %new
new:
  %room = add i64 %need, 128
  %raw = call ptr @PyMem_RawMalloc(i64 %room)
  %missing = icmp eq ptr %raw, null
  br i1 %missing, label %done, label %aligned
aligned:
  %number = ptrtoint ptr %raw to i64
  %past = add i64 %number, 127
  %start = and i64 %past, -64
  %block = inttoptr i64 %start to ptr
  %block.size = getelementptr i8, ptr %block, i64 -8
  store i64 %need, ptr %block.size
  %block.raw = getelementptr i8, ptr %block, i64 -16
  store ptr %raw, ptr %block.raw
  br label %done
done:
  %result = phi ptr [ %parked, %found ], [ null, %new ], [ %block, %aligned ]
  ret ptr %result
}

define internal void @give(ptr %context, ptr %block) noinline {
  %parked.place = getelementptr i8, ptr %context, i64 PARKED
  %other = call ptr @chainrule_exchange(ptr %parked.place, ptr %block)
  call void @chainrule_free(ptr %other)
  ret void
}

define void @chainrule_free(ptr %block) {
entry:
  %none = icmp eq ptr %block, null
  br i1 %none, label %done, label %one
one:
  %raw.place = getelementptr i8, ptr %block, i64 -16
  %raw = load ptr, ptr %raw.place
  call void @PyMem_RawFree(ptr %raw)
  br label %done
done:
  ret void
}

; What was at this place; whoever reads the new pointer there also sees what it points to.
define ptr @chainrule_exchange(ptr %place, ptr %new) {
  %old = atomicrmw xchg ptr %place, ptr %new acq_rel
  ret ptr %old
}
"""
