"""What runs on the far side of the wall: the zygote and the jailed children it forks.

These modules are started by path in a fresh interpreter, import nothing of the rest of the
package, and never see an expected output. Nothing they send is trusted.
"""
