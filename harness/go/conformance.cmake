# Semantic conformance: the port's answers to the rules, and the test that holds them against every Go that is here.
# 77 says that no Go is.
add_executable(go_conformance ${CMAKE_CURRENT_LIST_DIR}/conformance.cc)
target_link_libraries(go_conformance PRIVATE afterleak)

add_test(NAME go.conformance COMMAND ${Python3_EXECUTABLE} -I -S ${PROJECT_SOURCE_DIR}/scripts/conformance.py
  --ctest --program $<TARGET_FILE:go_conformance>)
set_tests_properties(go.conformance PROPERTIES LABELS go SKIP_RETURN_CODE 77 RUN_SERIAL ON TIMEOUT 600)
