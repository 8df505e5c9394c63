// Settings of jemalloc, which reads them by this name before main() is called.

extern "C" {
// Memory that nobody holds goes back to the system after a second, by a thread of jemalloc's own:
// a server that rests after a burst does not keep its pages. Arenas by threads that run at once,
// not by the CPUs of the node.
extern const char* const malloc_conf;
const char* const malloc_conf =
    "background_thread:true,max_background_threads:1,"
    "dirty_decay_ms:1000,muzzy_decay_ms:0,narenas:4";
}
