// What routers counted and what gates measured: the facts that a rollout is judged by. Value types;
// nothing of Kubernetes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/time.h"

namespace penstock::rollout {

// By how much the numbers of shadows' answers differ from the stable version's.
struct ShiftSums {
  std::int64_t rows = 0;            // of numbers on both sides
  std::int64_t values = 0;          // numbers in them
  double absolute_differences = 0;  // their sum
  double squared_differences = 0;
  std::int64_t lost_rows = 0;  // of numbers at the stable version, not all numbers in the shadow
  bool overflown = false;      // a sum is beyond what a number holds: none of them says anything
};

// Of one version behind one router, since that router began: no number ever falls.
struct VersionCounters {
  std::int64_t version = 0;
  std::int64_t requests = 0;  // that have ended, whatever the end
  std::int64_t ok = 0;        // 2xx and 3xx
  std::int64_t server_errors = 0;
  std::int64_t timeouts = 0;
  std::map<std::string, std::int64_t> client_errors;  // "<route>:<code>"
  // Answers by time: one count more than the router has latency_bounds, the last for those above.
  std::vector<std::int64_t> latency;
  std::int64_t compared = 0;  // rows of shadow answers
  std::int64_t flips = 0;     // of them with another decision than the stable version's
  ShiftSums shift;
  // Requests that somebody waits for: not probes and scrapes, but those whose client went, too.
  std::int64_t asked = 0;
  int in_flight = 0;             // under way now
  double in_flight_seconds = 0;  // those under way over time, of RouterFact::sampled_seconds
};

// What a router has of a certificate, or of the keys of tokens.
struct GuardFact {
  bool in_use = false;  // one that can be used
  std::string trouble;  // what is wrong with the newest
};

// A router that was asked. Those that did not answer are left out: what they said before counts on.
struct RouterFact {
  std::string pod;
  std::string run;           // another text for each start of a router, such as startedAt
  bool ready = false;        // of the pod
  bool speaks_grpc = false;  // it passes on calls of gRPC, beside HTTP
  std::string acknowledged;  // resourceVersion of the ModelDeployment that it goes by; empty: none
  std::vector<double> latency_bounds;  // seconds, ascending
  std::vector<VersionCounters> versions;
  std::map<std::int64_t, int> endpoints;  // Ready ones that it knows, by version
  std::int64_t ejected = 0;               // version whose weight it took away by itself; 0: none
  std::string ejected_why;
  int held = 0;                // requests that wait for a server
  double sampled_seconds = 0;  // since its start; 0: it does not tell of load
  GuardFact certificate;
  GuardFact keys;
};

// What one of Penstock's own servers tells of itself, since it began.
struct ServerFact {
  std::string pod;
  std::int64_t version = 0;
  std::vector<double> bounds;         // seconds, ascending, of both of these
  std::vector<std::int64_t> queue;    // requests by the time that they waited; one more than bounds
  std::vector<std::int64_t> compute;  // by the time of the computation
  // Requests by outcome, and their whole time, as a router would count them.
  VersionCounters answered;
  std::vector<double> answered_bounds;
  std::int64_t drift_rows = 0;          // answered in the window that drift is measured on
  std::map<std::string, double> drift;  // population stability index by column; NaN: too few rows
};

// One measurement of what is asked elsewhere: a prometheus or http gate, a check before traffic.
// The value of rows is how many were answered otherwise.
struct Measurement {
  std::string gate;  // its name
  TimePoint time{};
  std::optional<double> value;  // of prometheus
  bool good = false;
  std::string error;         // nothing could be measured: why; then `good` says nothing
  std::string message = {};  // what the measurement stands on
  std::int64_t samples = 0;  // of rows: so many were sent
  std::string pod = {};      // of a check before traffic: the candidate's that was asked
  std::int64_t version = 0;  // the candidate that it was asked for; 0: of a check, which has a pod
  // Asked::mark as it was when it was asked: of another it is no answer any more. Empty: not known.
  std::string mark = {};
  std::vector<ServerFact> servers = {};  // of the look at all servers: those that answered
};

// Where a version's servers are asked by the operator itself.
struct ServerAddress {
  std::string pod;
  std::string address;  // empty: none of them is Ready, with an address of its own
  int port = 0;
  std::int64_t version = 0;  // of one of ServersToAsk::all
};
// Both versions, for a check before traffic.
struct ServersToAsk {
  std::string model;  // as V2's paths name it
  ServerAddress candidate;
  std::optional<ServerAddress> stable;  // nothing: there is no version to be held against
  std::vector<ServerAddress> all = {};  // to be looked at, of both versions; then no other counts
};

}  // namespace penstock::rollout
