# fastnn_options once more: what keeps an error in own code from being used against the process. On the stack a
# function with local arrays checks once a call; tests/test_hardening.py reads all of it from the built extension.
# Sanitized builds check more than this does.
if(NOT FASTNN_SANITIZE)
  target_compile_options(fastnn_options INTERFACE
    -fstack-protector-strong $<$<CONFIG:Release>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
endif()
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_link_options(fastnn_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
# No library is looked for where it lay when this was built.
set(CMAKE_SKIP_RPATH ON)
