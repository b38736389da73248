#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mesh/base/time.hpp"

namespace tulle::chaos {

/// What a run has done so far.
struct Sofar {
    std::string fault;
    std::size_t published = 0;
    std::size_t delivered = 0;
    std::uint32_t kills = 0;
};

/// Tells on standard error how far a run is: on a terminal in one line that is written again and again, otherwise in a
/// plain line every ten seconds. One thread.
class Progress {
public:
    Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    /// Leaves a terminal at the beginning of a line.
    ~Progress();

    /// Often; most calls do nothing.
    void show(const Sofar& sofar);
    /// At once, in a line of its own.
    void say(const std::string& what);

private:
    void clear_line();

    bool tty_;
    bool is_drawn_ = false;
    Instant next_{};
};

}  // namespace tulle::chaos
