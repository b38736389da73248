#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tulle::node::process_id_test {
namespace {

bool is_right() {
    return ::getpid() == static_cast<pid_t>(::syscall(SYS_getpid));
}

TEST(ProcessId, IsRightInAChildOfWhoHasAskedBefore) {
    ASSERT_TRUE(is_right());
    ASSERT_TRUE(is_right());
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::_exit(is_right() && is_right() ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tulle::node::process_id_test
