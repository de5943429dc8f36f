"""Functions."""
from chainrule.run.native.mathematics.base import function
from chainrule.run.native.mathematics import areas, arcs, circular, errors, exponentials, hyperbolic, logarithms, powers
FUNCTIONS = {
  n: function(n, getattr(m, n)) for m, ns in ((exponentials,"exp exp2 expm1"),(logarithms,"log log2 log10 log1p"),(circular,"sin cos tan"),(hyperbolic,"sinh cosh tanh"),(arcs,"asin acos atan"),(powers,"cbrt"),(areas,"asinh acosh atanh"),(errors,"erf erfc")) for n in ns.split()
}
FUNCTIONS["atan2"]=function("atan2",arcs.atan2,2)
FUNCTIONS["pow"]=function("pow",powers.pow,2)
FUNCTIONS["hypot"]=function("hypot",powers.hypot,2)
