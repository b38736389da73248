#pragma once

#include <string>
#include <vector>

namespace tulle::cli {

/// An order of the demonstration page: to kill a node (SIGKILL), or to start a node again that has ended.
struct DemoOrder {
    bool is_start = false;
    std::string node;
};

/// The pipe through which the nodes of `tulle up --demo` pass on what their page orders (node/app/demo_orders.hpp has
/// the other end): lines of "kill NAME" and "start NAME".
///
/// Thread: one.
/// Limits: a full pipe (64 KiB) takes no more orders; the page is told so. Other lines are ignored.
/// Errors: the constructor throws std::system_error.
class DemoOrders {
public:
    DemoOrders();
    DemoOrders(const DemoOrders&) = delete;
    DemoOrders& operator=(const DemoOrders&) = delete;
    ~DemoOrders();

    /// A descriptor to poll for reading.
    [[nodiscard]] int fd() const { return read_end_; }
    /// The descriptor for the nodes, which they inherit.
    [[nodiscard]] int node_end() const { return write_end_; }
    /// The orders that have come. Never waits.
    [[nodiscard]] std::vector<DemoOrder> next();

private:
    int read_end_ = -1;
    int write_end_ = -1;
    /// The start of a line without its end.
    std::string partial_;
};

}  // namespace tulle::cli
