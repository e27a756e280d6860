"""The optimizer: a problem goes in, a plan comes out.

A pure library without database, calendar clock, environment, network or log. The modules are
imported by name (`optimizer.problem`, `optimizer.codec`, `optimizer.check`, ...); importing the
package itself loads none of them, so that a reader of plans never pays for the compiled search.
"""
