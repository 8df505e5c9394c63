// The only way to Boost.Asio and Boost.Beast. Include it in .cc files behind an interface, never in
// a header: a file that includes it takes 20 s to compile. The library penstock::beast holds the
// separately compiled parts of both.
#pragma once

// clang-format off
#include <utility>  // first: Boost 1.74's awaitable.hpp forgets it

#include <boost/asio.hpp>
// clang-format on
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
