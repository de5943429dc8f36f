"""Functions."""
from chainrule.run.native.mathematics.base import function
from chainrule.run.native.mathematics import circular, exponentials, hyperbolic, logarithms
FUNCTIONS = {
  n: function(n, getattr(m, n)) for m, ns in ((exponentials,"exp exp2 expm1"),(logarithms,"log log2 log10 log1p"),(circular,"sin cos tan"),(hyperbolic,"sinh cosh tanh")) for n in ns.split()
}
