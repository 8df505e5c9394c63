// What OpenSSL makes of tls.h's settings. Only stream.cc and tls.cc include it: it brings Asio.
#pragma once

#include "operator/net/beast.h"
#include "operator/net/tls.h"

namespace penstock::net {

struct TlsContext {
  boost::asio::ssl::context context;
};

}  // namespace penstock::net
