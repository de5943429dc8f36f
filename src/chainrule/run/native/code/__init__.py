"""From LLVM's text to code that is loaded: by LLVM, or out of the disk cache."""
