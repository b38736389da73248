#pragma once

#include <map>
#include <string>
#include <thread>

#include "tools/chaos/descriptor.hpp"
#include "tools/chaos/recorder.hpp"

namespace tulle::chaos {

/// A backend for webhooks: answers every request with 200 and records the events in the order of arrival.
///
/// Thread: a thread of its own, which ends with the object.
/// Limits: 1 MiB for a request not yet complete. A connection with more in the buffer is closed.
/// Errors: a body without a list of events is answered with 200 and otherwise ignored.
class HookSink {
public:
    /// Listens on a free port of `host`, an IPv4 address of this machine. `recorder` must outlive the sink. Throws
    /// std::system_error when the system has no socket.
    HookSink(const std::string& host, Recorder& recorder);
    HookSink(const HookSink&) = delete;
    HookSink& operator=(const HookSink&) = delete;
    /// Ends the thread and closes all connections.
    ~HookSink();

    /// "http://HOST:PORT/", for the configuration of the nodes.
    [[nodiscard]] const std::string& url() const { return url_; }

private:
    /// The thread: waits for connections, requests and the end.
    void run();
    void accept_one();
    /// Reads once and takes all whole requests. Returns false when the connection has ended or exceeded the limit.
    [[nodiscard]] bool read_from(int fd, std::string& buffer);
    /// Records the events in the body of a request.
    void take(const std::string& body);

    Recorder& recorder_;
    Descriptor listener_;
    /// An eventfd; readable: the thread is to end.
    Descriptor wake_;
    std::string url_;
    /// By descriptor: bytes read and not yet taken. Used by the thread alone until the thread has ended.
    std::map<int, std::string> connections_;
    std::thread thread_;
};

}  // namespace tulle::chaos
