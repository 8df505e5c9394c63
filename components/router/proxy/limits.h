// What clients and servers can make a router hold, and for how long.
#pragma once

#include <chrono>
#include <cstdint>

namespace penstock::router {

struct Limits {
  int connections = 10'240;  // of clients, all workers together; more get 503
  // Requests under way, all workers together; more get 503. Each holds at most 64 KiB.
  int requests = 4'096;
  std::chrono::milliseconds head_time{10'000};   // from a request's first byte to its head's last
  std::chrono::milliseconds idle_time{300'000};  // of a client between two requests
  std::chrono::milliseconds body_idle{30'000};   // between two pieces of a request's body
  std::chrono::milliseconds request_time{300'000};  // from a request's head to its body's last byte
  std::chrono::milliseconds answer_idle{
      300'000};                                   // between two pieces of an answer (event streams)
  std::chrono::milliseconds write_idle{60'000};   // of a client that does not read its answer
  std::chrono::milliseconds connect_time{1'000};  // to an endpoint
  std::chrono::milliseconds linger_time{2'000};   // for what a refused client still sends
  int tries = 3;                                  // endpoints asked for one request
  // Of gRPC, all ports together. A call holds one message each way, and about 100 KiB.
  int grpc_calls = 1'024;  // under way; more get UNAVAILABLE
  // Of one message, inflated; larger ones get RESOURCE_EXHAUSTED.
  std::int64_t grpc_message_bytes = 64 << 20;
  // Of all messages on their way; more get UNAVAILABLE.
  std::int64_t grpc_bytes = 128 << 20;
  // How old connections get that clients have to a gRPC port: then they are asked to come again,
  // which is how they learn of other routers, and how a router ends without losing a call.
  std::chrono::milliseconds grpc_age{20'000};
  int shadows = 64;  // copies under way of one worker, at most 768 KiB each
};

}  // namespace penstock::router
