// Probe: when a settled instant has come, tells the heap tool that the process runs under, so that
// heap profiles line up with virtual time.
//
// It detects which tool is there. Without one, a checkpoint does nothing and costs a few ns. What
// each tool is told:
//   Valgrind memcheck    a line in its log, "afterleak: checkpoint at 30s", and a leak check of
//                        what is new since the last one (VALGRIND_DO_ADDED_LEAK_CHECK)
//   Valgrind massif      a detailed snapshot, in the file massif.30s.out; in the folder that the
//                        environment's AFTERLEAK_SNAPSHOTS names, or the current one
//   gperftools           HeapProfilerDump, with "30s" as its reason, where HEAPPROFILE is set
// Sources: the client requests of valgrind.h and memcheck.h, the monitor commands in the manual of
// Massif, and gperftools/heap-profiler.h.
#pragma once

#include "afterleak/census/clock.h"

namespace afterleak::probe {

// Call it from a sample (Bubble::SampleAt), because nothing else runs then.
void Checkpoint(Duration at);

// Loses a block of 7777 bytes: what a leak checker has to find.
void PlantLeak();

}  // namespace afterleak::probe
