#pragma once

#include <map>
#include <string>
#include <thread>

#include "tools/chaos/descriptor.hpp"
#include "tools/chaos/recorder.hpp"

namespace tulle::chaos {

/// A backend for webhooks: takes every request and records its events in the order in which they come. One thread,
/// which ends with the object. Limit: requests of 1 MiB; a connection that sends more is closed.
class HookSink {
public:
    /// Listens on a free port of `host`, an IPv4 address of this machine. Throws std::system_error.
    HookSink(const std::string& host, Recorder& recorder);
    HookSink(const HookSink&) = delete;
    HookSink& operator=(const HookSink&) = delete;
    ~HookSink();

    [[nodiscard]] const std::string& url() const { return url_; }

private:
    void run();
    void accept_one();
    /// False: the connection has ended.
    [[nodiscard]] bool read_from(int fd, std::string& buffer);
    void take(const std::string& body);

    Recorder& recorder_;
    Descriptor listener_;
    Descriptor wake_;
    std::string url_;
    std::map<int, std::string> connections_;  ///< by descriptor: what has been read and not taken
    std::thread thread_;
};

}  // namespace tulle::chaos
