// A signal to a process that is no child of ours. Linux (pidfd where the kernel has it).
#pragma once

#include <functional>

namespace penstock {

// Sends `signal` to the process `pid` if `is_it` says, of whatever has that number, that it is the
// one that is meant. What is asked about is held by a descriptor meanwhile: should it end and its
// number become another's, nobody gets the signal. Where the kernel gives no such descriptor, the
// number is signalled. False: it was not sent.
[[nodiscard]] bool SignalProcess(int pid, int signal, const std::function<bool()>& is_it);

}  // namespace penstock
