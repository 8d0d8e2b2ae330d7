// All that a program written in the manner of Go needs.
#pragma once

#include "afterleak/bubble.h"   // Bubble, Go
#include "afterleak/chan.h"     // Chan, MakeChan
#include "afterleak/context.h"  // context::WithTimeout
#include "afterleak/defer.h"    // Defer
#include "afterleak/select.h"   // Select, Recv, Send, Default
#include "afterleak/signal.h"   // signal::Notify
#include "afterleak/time.h"     // time::After, NewTimer
