// Counting the heap: heap::Scope, heap::Counting, heap::CountingResource.
#pragma once

#include "afterleak/heap/counting_resource.h"
#include "afterleak/heap/heap.h"
