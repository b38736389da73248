#pragma once

namespace tulle::mesh {

/// An eventfd: any thread wakes, one waits.
class WakeFd {
public:
    WakeFd();
    ~WakeFd();
    WakeFd(const WakeFd&) = delete;
    WakeFd& operator=(const WakeFd&) = delete;

    void wake() const;
    void clear() const;
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
};

}  // namespace tulle::mesh
