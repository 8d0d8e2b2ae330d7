# Semantic conformance: the port's answers to the rules, and the test that holds them against every Go that is here.
add_executable(go_conformance ${CMAKE_CURRENT_LIST_DIR}/conformance.cc)
target_link_libraries(go_conformance PRIVATE afterleak)

afterleak_python_test(go.conformance evidence.go.conformance --ctest --program $<TARGET_FILE:go_conformance>
  PROPERTIES RUN_SERIAL ON TIMEOUT 600)
