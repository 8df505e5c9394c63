// What a thread asks of the scheduler. Linux; where the kernel knows or allows less, all threads
// are equal and nothing else changes.
#pragma once

namespace penstock::serve {

// The calling thread answers: it wants the processor soon after it wakes, and not for long (a short
// slice, sched_setattr(2); Linux 6.12).
void AskForShortSlices();

// The calling thread does what takes long: others of this process come first, and need not wait
// until its slice is over.
void GiveWayToOthers();

}  // namespace penstock::serve
