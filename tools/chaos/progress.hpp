#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mesh/base/time.hpp"

namespace tulle::chaos {

/// Figures of a run under way, for display.
struct Sofar {
    /// The step under way, in words.
    std::string fault;
    std::size_t published = 0;
    std::size_t delivered = 0;
    std::uint32_t kills = 0;
};

/// Tells on standard error how far a run is: on a terminal in a line drawn again every 200 ms, otherwise in a plain
/// line every ten seconds.
///
/// Thread: one thread.
class Progress {
public:
    Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    /// Leaves a terminal at the beginning of a line.
    ~Progress();

    /// To be called often; draws at most once per interval and returns at once otherwise.
    void show(const Sofar& sofar);
    /// Prints `what` at once, in a line of its own.
    void say(const std::string& what);

private:
    /// Removes a drawn line from the terminal.
    void clear_line();

    bool tty_;
    bool is_drawn_ = false;
    /// Before this moment show() draws nothing.
    Instant next_{};
};

}  // namespace tulle::chaos
