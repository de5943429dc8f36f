"""LLVM's text of a call whose arguments are of the right kinds, from them to the finished results.

Names in capitals are numbers that code.py puts in, and ``%x = read kind holder FIELD`` loads a
field of what a pointer points to.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = r"""
; --- arguments of the right kinds -------------------------------------------------------------

; Null with 1 in %declined: not for this path. Null with 0: an error is set.
define internal ptr @quick(ptr %context, ptr %values, ptr %declined) noinline {
entry:
  %frame = alloca [FRAME x i8], align 64
  %overflow = alloca i32
  store i8 0, ptr %declined
  %tier.place = getelementptr i8, ptr %context, i64 TIER
  %tier = load atomic ptr, ptr %tier.place acquire, align 8
  %evaluate = read ptr %tier EVALUATE
  %table = read ptr %tier TABLE
  %scratch.size = read i64 %tier SCRATCH
  %scratch.at = read i64 %context SCRATCH_AT
  %need = add i64 %scratch.size, %scratch.at
  %small = icmp ule i64 %need, FRAME
  %nothing.runs = icmp eq ptr %evaluate, null
  br i1 %nothing.runs, label %no.code, label %room
no.code:
  store i8 1, ptr %declined
  ret ptr null
room:
  br i1 %small, label %begin, label %large
large:
  %taken = call ptr @take(ptr %context, i64 %need)
  %missing = icmp eq ptr %taken, null
  br i1 %missing, label %memory, label %begin
memory:
  %nothing = call ptr @PyErr_NoMemory()
  ret ptr null
begin:
  %block = phi ptr [ %frame, %room ], [ %taken, %large ]
  %arguments = read ptr %context ARGUMENTS
  %count = read i64 %context ARGUMENT_COUNT
  %outputs.at = read i64 %context OUTPUTS_AT
  %held.at = read i64 %context HELD_AT
  %stack.at = read i64 %context STACK_AT
  %outputs = getelementptr i8, ptr %block, i64 %outputs.at
  %held = getelementptr i8, ptr %block, i64 %held.at
  %stack = getelementptr i8, ptr %block, i64 %stack.at
  %scratch = getelementptr i8, ptr %block, i64 %scratch.at
  br label %argument

argument:
  %i = phi i64 [ 0, %begin ], [ %i.next, %accepted ]
  %read.all = icmp eq i64 %i, %count
  br i1 %read.all, label %make, label %look
look:
  %argument.offset = mul i64 %i, RECORD_SIZE
  %spec = getelementptr i8, ptr %arguments, i64 %argument.offset
  %slot = getelementptr ptr, ptr %block, i64 %i
  %value.place = getelementptr ptr, ptr %values, i64 %i
  %value = load ptr, ptr %value.place
  %class = read ptr %value A_TYPE
  %kind = read i64 %spec KIND
  %wanted = read ptr %spec CLASS
  %numpy = icmp eq ptr %class, %wanted
  %python.float = icmp eq ptr %class, @PyFloat_Type
  %python.int = icmp eq ptr %class, @PyLong_Type
  switch i64 %kind, label %decline [
    i64 IS_FLOAT64, label %float64
    i64 IS_FLOAT32, label %float32
    i64 IS_INT64, label %int64
    i64 IS_INT32, label %int32
    i64 IS_BOOL, label %bool
    i64 IS_ARRAY, label %array
  ]

float64:
  br i1 %python.float, label %float64.python, label %float64.else
float64.python:
  %float64.held = read i64 %value A_FLOAT
  store i64 %float64.held, ptr %slot
  br label %accepted
float64.else:
  br i1 %numpy, label %word, label %float64.perhaps
float64.perhaps:
  br i1 %python.int, label %float64.int, label %decline
float64.int:
  %float64.number = call double @PyLong_AsDouble(ptr %value)
  store double %float64.number, ptr %slot
  %float64.odd = fcmp oeq double %float64.number, -1.0
  br i1 %float64.odd, label %float64.error, label %accepted
float64.error:
  %float64.occurred = call ptr @PyErr_Occurred()
  %float64.fine = icmp eq ptr %float64.occurred, null
  br i1 %float64.fine, label %accepted, label %float64.clear
float64.clear:
  call void @PyErr_Clear()
  br label %decline

word:
  %word.held = read i64 %value A_NUMBER
  store i64 %word.held, ptr %slot
  br label %accepted
half:
  %half.held = read i32 %value A_NUMBER
  store i32 %half.held, ptr %slot
  br label %accepted

float32:
  br i1 %numpy, label %half, label %float32.perhaps
float32.perhaps:
  br i1 %python.float, label %float32.python, label %decline
float32.python:
  %float32.wide = read double %value A_FLOAT
  %float32.number = fptrunc double %float32.wide to float
  store float %float32.number, ptr %slot
  %float32.size = call float @llvm.fabs.f32(float %float32.number)
  %float32.infinite = fcmp oeq float %float32.size, 0x7FF0000000000000
  %float32.wide.size = call double @llvm.fabs.f64(double %float32.wide)
  %float32.was = fcmp oeq double %float32.wide.size, 0x7FF0000000000000
  %float32.over = icmp ne i1 %float32.infinite, %float32.was
  br i1 %float32.over, label %decline, label %accepted

int64:
  br i1 %python.int, label %int64.python, label %int64.else
int64.python:
  %int64.number = call i64 @PyLong_AsLongLongAndOverflow(ptr %value, ptr %overflow)
  %int64.over = load i32, ptr %overflow
  store i64 %int64.number, ptr %slot
  %int64.fine = icmp eq i32 %int64.over, 0
  br i1 %int64.fine, label %accepted, label %decline
int64.else:
  br i1 %numpy, label %word, label %decline

int32:
  br i1 %python.int, label %int32.python, label %int32.else
int32.python:
  %int32.wide = call i64 @PyLong_AsLongLongAndOverflow(ptr %value, ptr %overflow)
  %int32.over = load i32, ptr %overflow
  %int32.number = trunc i64 %int32.wide to i32
  store i32 %int32.number, ptr %slot
  %int32.back = sext i32 %int32.number to i64
  %int32.same = icmp eq i64 %int32.back, %int32.wide
  %int32.within = icmp eq i32 %int32.over, 0
  %int32.fine = and i1 %int32.same, %int32.within
  br i1 %int32.fine, label %accepted, label %decline
int32.else:
  br i1 %numpy, label %half, label %decline

bool:
  %bool.true = icmp eq ptr %value, @_Py_TrueStruct
  %bool.false = icmp eq ptr %value, @_Py_FalseStruct
  %bool.python = or i1 %bool.true, %bool.false
  br i1 %bool.python, label %bool.store, label %bool.else
bool.else:
  br i1 %numpy, label %bool.numpy, label %decline
bool.numpy:
  %bool.held = read i8 %value A_NUMBER
  %bool.set = icmp ne i8 %bool.held, 0
  br label %bool.store
bool.store:
  %bool.is = phi i1 [ %bool.true, %bool ], [ %bool.set, %bool.numpy ]
  %bool.byte = zext i1 %bool.is to i8
  store i8 %bool.byte, ptr %slot
  br label %accepted

array:
  br i1 %numpy, label %array.same, label %decline
array.same:
  %array.fits = call i1 @fits(ptr %value, ptr %spec, i32 A_CONTIGUOUS_AND_ALIGNED)
  br i1 %array.fits, label %array.accept, label %decline
array.accept:
  %array.data = read ptr %value A_DATA
  store ptr %array.data, ptr %slot
  br label %accepted

accepted:
  %i.next = add i64 %i, 1
  br label %argument

decline:
  store i8 1, ptr %declined
  br i1 %small, label %declined.done, label %declined.give
declined.give:
  call void @give(ptr %context, ptr %block)
  br label %declined.done
declined.done:
  ret ptr null

; Arrays for the results.
make:
  %made = read ptr %context MADE
  %made.count = read i64 %context MADE_COUNT
  br label %make.next
make.next:
  %m = phi i64 [ 0, %make ], [ %m.next, %make.held ]
  %make.last = icmp eq i64 %m, %made.count
  br i1 %make.last, label %run, label %make.one
make.one:
  %made.offset = mul i64 %m, RECORD_SIZE
  %made.spec = getelementptr i8, ptr %made, i64 %made.offset
  %fresh = call ptr @fresh(ptr %made.spec)
  %fresh.missing = icmp eq ptr %fresh, null
  br i1 %fresh.missing, label %fail, label %make.held
make.held:
  %held.place = getelementptr ptr, ptr %held, i64 %m
  store ptr %fresh, ptr %held.place
  %fresh.data = read ptr %fresh A_DATA
  %fresh.slot = read i64 %made.spec SLOT
  %fresh.place = getelementptr ptr, ptr %outputs, i64 %fresh.slot
  store ptr %fresh.data, ptr %fresh.place
  %m.next = add i64 %m, 1
  br label %make.next

run:
  %release = read i64 %context RELEASE
  %locked = icmp eq i64 %release, 0
  br i1 %locked, label %run.here, label %run.released
run.here:
  call void %evaluate(ptr %block, ptr %outputs, ptr %scratch, ptr %table)
  br label %results
run.released:
  %state = call ptr @PyEval_SaveThread()
  call void %evaluate(ptr %block, ptr %outputs, ptr %scratch, ptr %table)
  call void @PyEval_RestoreThread(ptr %state)
  br label %results

; --- results, in postfix order: %top of them wait on the stack --------------------------------

results:
  %steps = read ptr %context STEPS
  %step.count = read i64 %context STEP_COUNT
  br label %step
step:
  %s = phi i64 [ 0, %results ], [ %s.next, %push ]
  %top = phi i64 [ 0, %results ], [ %top.next, %push ]
  %all.done = icmp eq i64 %s, %step.count
  br i1 %all.done, label %finish, label %step.look
step.look:
  %step.offset = mul i64 %s, RECORD_SIZE
  %step.spec = getelementptr i8, ptr %steps, i64 %step.offset
  %step.kind = read i64 %step.spec KIND
  %step.slot = read i64 %step.spec SLOT
  %output = getelementptr ptr, ptr %outputs, i64 %step.slot
  switch i64 %step.kind, label %fail [
    i64 IS_FLOAT64, label %push.float64
    i64 IS_FLOAT32, label %push.float32
    i64 IS_INT64, label %push.int64
    i64 IS_INT32, label %push.int32
    i64 IS_BOOL, label %push.bool
    i64 IS_ARRAY, label %push.array
    i64 IS_LAST, label %push.last
    i64 IS_SCALAR, label %push.scalar
    i64 IS_CELLS, label %push.cells
    i64 IS_FLOATS, label %push.floats
    i64 IS_TUPLE, label %push.tuple
  ]
push.float64:
  %output.double = load double, ptr %output
  %object.double = call ptr @PyFloat_FromDouble(double %output.double)
  br label %push
push.float32:
  %output.float = load float, ptr %output
  %output.wide = fpext float %output.float to double
  %object.float = call ptr @PyFloat_FromDouble(double %output.wide)
  br label %push
push.int64:
  %output.i64 = load i64, ptr %output
  %object.i64 = call ptr @PyLong_FromLongLong(i64 %output.i64)
  br label %push
push.int32:
  %output.i32 = load i32, ptr %output
  %output.i32.wide = sext i32 %output.i32 to i64
  %object.i32 = call ptr @PyLong_FromLongLong(i64 %output.i32.wide)
  br label %push
push.bool:
  %output.i8 = load i8, ptr %output
  %output.set = icmp ne i8 %output.i8, 0
  %object.bool = select i1 %output.set, ptr @_Py_TrueStruct, ptr @_Py_FalseStruct
  call void @Py_IncRef(ptr %object.bool)
  br label %push
push.array:
  %which = read i64 %step.spec COUNT
  %which.place = getelementptr ptr, ptr %held, i64 %which
  %object.array = load ptr, ptr %which.place
  call void @Py_IncRef(ptr %object.array)
  br label %push
push.last:
  %last.which = read i64 %step.spec COUNT
  %last.place = getelementptr ptr, ptr %held, i64 %last.which
  %object.last = load ptr, ptr %last.place
  store ptr null, ptr %last.place
  br label %push
push.scalar:
  %scalar.descr = read ptr %step.spec DESCR
  %object.scalar = call ptr @PyArray_Scalar(ptr %output, ptr %scalar.descr, ptr null)
  br label %push
push.cells:
  %object.cells = call ptr @cells(ptr %step.spec, ptr %output)
  br label %push

push.floats:
  %object.floats = call ptr @floats(ptr %step.spec, ptr %output)
  br label %push

push.tuple:
  %parts = read i64 %step.spec COUNT
  %tuple = call ptr @PyTuple_New(i64 %parts)
  %tuple.missing = icmp eq ptr %tuple, null
  br i1 %tuple.missing, label %fail, label %tuple.fill
tuple.fill:
  %rest = sub i64 %top, %parts
  %items = getelementptr i8, ptr %tuple, i64 A_ITEMS
  %items.from = getelementptr ptr, ptr %stack, i64 %rest
  br label %tuple.item
tuple.item:
  %t = phi i64 [ 0, %tuple.fill ], [ %t.next, %tuple.move ]
  %tuple.full = icmp eq i64 %t, %parts
  br i1 %tuple.full, label %push, label %tuple.move
tuple.move:
  %item.from = getelementptr ptr, ptr %items.from, i64 %t
  %item = load ptr, ptr %item.from
  %item.to = getelementptr ptr, ptr %items, i64 %t
  store ptr %item, ptr %item.to
  %t.next = add i64 %t, 1
  br label %tuple.item

push:
  %object = phi ptr [ %object.double, %push.float64 ], [ %object.float, %push.float32 ],
    [ %object.i64, %push.int64 ], [ %object.i32, %push.int32 ], [ %object.bool, %push.bool ],
    [ %object.array, %push.array ], [ %object.last, %push.last ],
    [ %object.scalar, %push.scalar ], [ %object.cells, %push.cells ],
    [ %object.floats, %push.floats ], [ %tuple, %tuple.item ]
  %below = phi i64 [ %top, %push.float64 ], [ %top, %push.float32 ], [ %top, %push.int64 ],
    [ %top, %push.int32 ], [ %top, %push.bool ], [ %top, %push.array ], [ %top, %push.last ],
    [ %top, %push.scalar ], [ %top, %push.cells ], [ %top, %push.floats ], [ %rest, %tuple.item ]
  %push.place = getelementptr ptr, ptr %stack, i64 %below
  store ptr %object, ptr %push.place
  %top.next = add i64 %below, 1
  %s.next = add i64 %s, 1
  %object.missing = icmp eq ptr %object, null
  br i1 %object.missing, label %push.failed, label %step
push.failed:
  br label %fail

finish:
  %finished = load ptr, ptr %stack
  br label %clean

; --- the end, with a result or with an error ---------------------------------------------------

fail:
  %waiting = phi i64 [ 0, %make.one ], [ %top, %step.look ], [ %top, %push.tuple ],
    [ %below, %push.failed ]
  %fail.made = phi i64 [ %m, %make.one ], [ %made.count, %step.look ],
    [ %made.count, %push.tuple ], [ %made.count, %push.failed ]
  call void @drop(ptr %stack, i64 %waiting)
  br label %clean
clean:
  %result = phi ptr [ %finished, %finish ], [ null, %fail ]
  %clean.made = phi i64 [ %made.count, %finish ], [ %fail.made, %fail ]
  %any = icmp ne i64 %clean.made, 0
  br i1 %any, label %clean.held, label %clean.block
clean.held:
  call void @drop(ptr %held, i64 %clean.made)
  br label %clean.block
clean.block:
  br i1 %small, label %return, label %clean.give
clean.give:
  call void @give(ptr %context, ptr %block)
  br label %return
return:
  ret ptr %result
}

"""
