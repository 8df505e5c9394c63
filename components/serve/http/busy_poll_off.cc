// Built instead of busy_poll.cc with PENSTOCK_BUSY_POLL=OFF.
#include "components/serve/http/busy_poll.h"

namespace penstock::serve {

bool BusyPollingIsBuilt() { return false; }

void RunBusyPolling(boost::asio::io_context& context, std::chrono::microseconds) { context.run(); }

}  // namespace penstock::serve
