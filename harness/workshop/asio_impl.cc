// The parts of Asio that are no templates, compiled once: half of what a learner's file would take.
#include <asio/impl/src.hpp>
